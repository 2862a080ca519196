import { expect, test } from "bun:test";
import packageJson from "../../package.json";
import { VERSION } from "../../src/base/version.ts";

test("the program knows the version that its package has", () => {
  expect(VERSION).toBe(packageJson.version);
});
