import { expect, test } from "bun:test";
import { nearest } from "../../src/bot/nearest.ts";

const COMMANDS = ["roll", "help", "history"];

test("the word that is one slip away, or two swapped letters, is found", () => {
  expect(nearest("rol", COMMANDS)).toBe("roll");
  expect(nearest("orll", COMMANDS)).toBe("roll");
  expect(nearest("HLEP", COMMANDS)).toBe("help");
  expect(nearest("histroyy", COMMANDS)).toBe("history");
});

test("a word that is near to nothing has no guess", () => {
  expect(nearest("weather", COMMANDS)).toBeUndefined();
  expect(nearest("re", COMMANDS)).toBeUndefined();
  expect(nearest("roll".repeat(1_000), COMMANDS)).toBeUndefined();
  expect(nearest("", COMMANDS)).toBeUndefined();
});
