import { expect, test } from "bun:test";
import { readSet } from "../../src/bot/set-option.ts";

test("a setting is a bot, a key, and all that follows the sign", () => {
  expect(readSet("web-hook.url=a=b\nc")).toEqual({ name: "web-hook", key: "url", value: "a=b\nc" });
  expect(readSet("webhook.url=")).toEqual({ name: "webhook", key: "url", value: "" });
});

test("what is none is told without its value, which may be a secret", () => {
  for (const wrong of [
    "webhook=hunter2",
    "url",
    "Web Hook.url=hunter2",
    ".url=x",
    "webhook.token hunter2",
    "a.b.c=hunter2",
  ]) {
    expect(() => readSet(wrong)).toThrow(/^--set [^= ]*: expected <name>\.<key>=<value>, as in webhook\.port=8080$/);
  }
});
