import { expect, test } from "bun:test";
import { z } from "zod";
import { readSettings, readText } from "../../src/bot/settings.ts";

const settingsOf = (config: z.ZodObject, name = "web-hook") => readSettings({ name, config });

test("a key has its variable, and lists can only be set in the file", () => {
  const { all } = settingsOf(z.object({ maxAge: z.number(), url: z.url().optional(), feeds: z.array(z.string()) }));
  expect(all.map(({ key, variable, isRequired }) => [key, variable, isRequired])).toEqual([
    ["maxAge", "WARREN_WEB_HOOK_MAX_AGE", true],
    ["url", "WARREN_WEB_HOOK_URL", false],
    ["feeds", "WARREN_WEB_HOOK_FEEDS", true],
  ]);
  expect(all.map((setting) => readText(setting, "7"))).toEqual([
    { kind: "value", value: 7 },
    { kind: "value", value: "7" },
    { kind: "wrong", expected: "it is no plain value, so set feeds in warren.toml" },
  ]);
});

test("a text becomes the declared type, or what was expected is said", () => {
  const { all } = settingsOf(z.object({ on: z.boolean(), colour: z.enum(["red", "blue"]), port: z.number().int() }));
  expect(all.map((setting, index) => readText(setting, ["Yes", "RED", "80"][index] ?? ""))).toEqual([
    { kind: "value", value: true },
    { kind: "value", value: "red" },
    { kind: "value", value: 80 },
  ]);
  expect(all.map((setting) => readText(setting, "many"))).toEqual([
    { kind: "wrong", expected: "expected yes or no" },
    { kind: "wrong", expected: "expected one of red, blue" },
    { kind: "wrong", expected: "expected a whole number" },
  ]);
});

test("a configuration that could not be set is refused with its path", () => {
  expect(() => settingsOf(z.object({ "max-age": z.number() }))).toThrow("web-hook: config.max-age: use a-z");
  expect(() => settingsOf(z.object({ toJSON: z.string() }))).toThrow("config.toJSON");
  expect(() => settingsOf(z.object({ port: z.number() }), "registry")).toThrow("WARREN_REGISTRY_PORT means something");
  const noObject: object = { name: "dice", config: z.string() };
  expect(() => readSettings(noObject as never)).toThrow("dice: config: must be a z.object");
});
