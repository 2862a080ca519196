import { expect, test } from "bun:test";
import { createTestWarren, type TestWarren } from "warren/testing";
import webhook from "../../bots/webhook.ts";
import { HAS_LOOPBACK } from "./networks.ts";

const config = { webhook: { token: "hunter2", to: "ann", port: 0 } };

/** Posts, and turns the warren until there is an answer. */
async function request(warren: TestWarren, url: string, init: RequestInit): Promise<number> {
  const answer: { status?: number } = {};
  fetch(url, init).then(
    ({ status }) => (answer.status = status),
    () => (answer.status = -1),
  );
  while (answer.status === undefined) await warren.quiet();
  return answer.status;
}

test.skipIf(!HAS_LOOPBACK)("what is posted with the token is passed on, and nothing else is", async () => {
  await using warren = await createTestWarren({ plugins: [webhook], config });
  const ann = warren.person("ann");
  await ann.says("where", { to: "webhook" });
  const url = ann.heard[0] ?? "";
  const headers = { Authorization: "Bearer hunter2" };
  expect(await request(warren, url, { method: "POST", headers, body: "404" })).toBe(202);
  expect(await request(warren, url, { method: "POST", headers, body: '{"text":"the disk is full"}' })).toBe(202);
  expect(await request(warren, url, { method: "POST", headers, body: "x".repeat(5_000) })).toBe(202);
  expect(await request(warren, url, { method: "POST", headers, body: '{"message":"?"}' })).toBe(400);
  expect(await request(warren, url, { method: "POST", headers, body: "x".repeat(70_000) })).toBe(413);
  expect(await request(warren, url, { method: "POST", body: "let me in" })).toBe(401);
  expect(await request(warren, url, { method: "POST", headers: { Authorization: "Bearer hunter3" }, body: "x" })).toBe(
    401,
  );
  expect(await request(warren, url, { headers })).toBe(405);
  await warren.quiet();
  expect(ann.heard.slice(1)).toEqual(["404", "the disk is full", "x".repeat(4_000)]);
});

test.skipIf(!HAS_LOOPBACK)("when nobody has the name, the one who posts is told so", async () => {
  await using warren = await createTestWarren({
    plugins: [webhook],
    config: { webhook: { ...config.webhook, to: "nobody" } },
  });
  const ann = warren.person("ann");
  await ann.says("where", { to: "webhook" });
  const post = { method: "POST", headers: { Authorization: "Bearer hunter2" }, body: "hello" };
  expect(await request(warren, ann.heard[0] ?? "", post)).toBe(502);
});

test.skipIf(!HAS_LOOPBACK)("its port is free again when it ends", async () => {
  const warren = await createTestWarren({ plugins: [webhook], config });
  const ann = warren.person("ann");
  await ann.says("where", { to: "webhook" });
  await warren[Symbol.asyncDispose]();
  expect(await fetch(ann.heard[0] ?? "").catch(() => "closed")).toBe("closed");
});
