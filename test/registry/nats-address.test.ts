import { expect, test } from "bun:test";
import { parseNatsServers } from "../../src/registry/nats-address.ts";

test("servers are read with their secrets, which belong to no host", () => {
  expect(parseNatsServers("nats://a:4223,b")).toEqual({ servers: ["a:4223", "b:4222"], usesTls: false });
  expect(parseNatsServers("tls://ann:f%40x@a")).toEqual({
    servers: ["a:4222"],
    usesTls: true,
    user: "ann",
    pass: "f@x",
  });
  expect(parseNatsServers("nats://secret@[::1]:1")).toMatchObject({ servers: ["[::1]:1"], token: "secret" });
  for (const text of ["http://a", "nats://", "nats://a/b", "", "a,,b"]) {
    expect(() => parseNatsServers(text)).toThrow("a store is nats://host:4222");
  }
});
