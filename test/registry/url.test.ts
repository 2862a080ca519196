import { expect, test } from "bun:test";
import { networkInterfaces } from "node:os";
import {
  isLoopbackUrl,
  isOwnOrigin,
  localRegistryPort,
  localRegistryUrl,
  parseRegistryUrl,
  parseRegistryUrls,
  urlsOfMachine,
} from "../../src/registry/url.ts";

test("a registry is given as a URL, as host and port, or as a host with the usual port", () => {
  const cases = {
    "http://lab:9000": "http://lab:9000",
    "http://lab:9000/": "http://lab:9000",
    "https://chat.example": "https://chat.example",
    "http://lab": "http://lab",
    lab: "http://lab:9277",
    "lab:80": "http://lab",
    "192.0.2.7": "http://192.0.2.7:9277",
    "[::1]:9000": "http://[::1]:9000",
    "[::1]": "http://[::1]:9277",
    "HTTP://Lab:9000": "http://lab:9000",
  };
  for (const [text, origin] of Object.entries(cases)) expect([text, parseRegistryUrl(text)]).toEqual([text, origin]);
});

test("several are given with commas between, each once, and not too many", () => {
  expect(parseRegistryUrls("lab, http://lab:9277,192.0.2.7:1")).toEqual(["http://lab:9277", "http://192.0.2.7:1"]);
  expect(() => parseRegistryUrls("lab,")).toThrow("is not a registry");
  expect(() => parseRegistryUrls("abcdefghi".split("").join())).toThrow("at most 8");
});

test("what is no registry's address is refused", () => {
  for (const text of ["", "ftp://lab", "http://lab/path", "http://ann@lab", "lab?x=1", "http://", "a b"]) {
    expect(() => parseRegistryUrl(text)).toThrow("is not a registry");
  }
});

test("a registry knows itself by its machine's addresses and by what its operator says, and by nothing else", () => {
  const own = Object.values(networkInterfaces()).flatMap((some) => some ?? [])[0]?.address ?? "127.0.0.1";
  const host = own.includes(":") ? `[${own}]` : own;
  for (const origin of ["http://127.0.0.1:9277", "http://localhost:9277", "http://[::1]:9277", `http://${host}:9277`]) {
    expect([origin, isOwnOrigin(origin, 9_277, [])]).toEqual([origin, true]);
  }
  const foreign = [
    "http://evil.example:9277",
    "http://127.0.0.1:9278",
    "https://127.0.0.1:9277",
    "http://127.0.0.1:9277/",
  ];
  for (const origin of [...foreign, "http://127.evil.example:9277", "http://192.0.2.1:9277", "", "null"]) {
    expect([origin, isOwnOrigin(origin, 9_277, [])]).toEqual([origin, false]);
  }
  expect(isOwnOrigin("https://chat.example", 9_277, ["https://chat.example"])).toBe(true);
});

test("the registry of this machine is where WARREN_REGISTRY_PORT says, or on its usual port", () => {
  expect(localRegistryUrl(localRegistryPort({}))).toBe("http://127.0.0.1:9277");
  expect(localRegistryPort({ WARREN_REGISTRY_PORT: "" })).toBe(9_277);
  expect(localRegistryPort({ WARREN_REGISTRY_PORT: "9300" })).toBe(9_300);
  for (const bad of ["0", "65536", "here", "1.5"]) {
    expect(() => localRegistryPort({ WARREN_REGISTRY_PORT: bad })).toThrow(`WARREN_REGISTRY_PORT is "${bad}"`);
  }
});

test("where other machines find a registry is told only if it listens for them", () => {
  expect(urlsOfMachine("127.0.0.1", 9_277)).toEqual([]);
  for (const url of urlsOfMachine("0.0.0.0", 9_277)) {
    expect(isLoopbackUrl(url)).toBe(false);
    expect(parseRegistryUrl(url)).toBe(url);
  }
});
