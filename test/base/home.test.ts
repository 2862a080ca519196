import { expect, test } from "bun:test";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { identityFolder, resolveHome } from "../../src/base/home.ts";

test("the option counts before the environment, and that before the default", () => {
  const all = { WARREN_HOME: "/w", XDG_DATA_HOME: "/x" };
  expect(resolveHome("/o", all)).toBe("/o");
  expect(resolveHome(undefined, all)).toBe("/w");
  expect(resolveHome("", { ...all, WARREN_HOME: "" })).toBe("/x/warren");
  expect(resolveHome(undefined, {})).toBe(join(homedir(), ".local/share/warren"));
});

test("a relative option is made absolute; a relative XDG_DATA_HOME is no such thing", () => {
  expect(resolveHome("here", {})).toBe(resolve("here"));
  expect(resolveHome(undefined, { XDG_DATA_HOME: "x" })).toBe(join(homedir(), ".local/share/warren"));
});

test("a person and a bot of one name do not share a folder", () => {
  expect(identityFolder("/h", "person", "ann")).toBe("/h/peers/ann");
  expect(identityFolder("/h", "bot", "ann")).toBe("/h/bots/ann");
});
