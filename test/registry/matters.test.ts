import { expect, test } from "bun:test";
import { WarrenError } from "../../src/base/errors.ts";
import { isOwnMatter, isPassing } from "../../src/registry/matters.ts";

test("a name that is taken is no reason to ask elsewhere, a registry that cannot be reached is", () => {
  expect(isOwnMatter(new WarrenError("NAME_TAKEN", ""))).toBe(true);
  expect(isOwnMatter(new WarrenError("REGISTRY_UNREACHABLE", ""))).toBe(false);
  expect(isOwnMatter(new Error("a fault"))).toBe(false);
});

test("what goes away by itself is told from what a person must read", () => {
  expect(isPassing(new WarrenError("CONNECTION_LOST", ""))).toBe(true);
  expect(isPassing(new WarrenError("REGISTRY_CHANGED", ""))).toBe(false);
});
