import { expect, test } from "bun:test";
import { createTestWarren } from "warren/testing";
import dice from "../../bots/dice.ts";
import echo from "../../bots/echo.ts";
import help from "../../bots/help.ts";
import watch from "../../bots/watch.ts";

test("help knows the bots that are online, and what they can do", async () => {
  await using warren = await createTestWarren({ plugins: [help, echo, dice] });
  const ann = warren.person("ann");
  await ann.says("help", { to: "help" });
  expect(ann.heard.at(-1)).toBe(
    [
      "dice: rolls dice",
      "  roll: roll some dice",
      "  count: how many dice you have thrown",
      "echo: says back what you say",
      "  shout: say it louder",
    ].join("\n"),
  );
  await ann.says("help shout", { to: "help" });
  expect(ann.heard.at(-1)).toBe("echo: says back what you say\n  shout: say it louder");
  await ann.says("shout", { to: "help" });
  expect(ann.heard.at(-1)).toBe("echo: says back what you say\n  shout: say it louder");
  await ann.says("good morning", { to: "help" });
  expect(ann.heard.at(-1)).toStartWith("tells what the bots here can do");
  await ann.says("help weather", { to: "help" });
  expect(ann.heard.at(-1)).toBe('no bot here is called "weather" or can do that');
});

test("help finds a command of several words by each of them, and by all", async () => {
  const owner = "a".repeat(52);
  await using warren = await createTestWarren({ plugins: [help, echo, watch], config: { watch: { allow: [owner] } } });
  const ann = warren.person("ann");
  for (const what of ["add", "watch add"]) await ann.says(`help ${what}`, { to: "help" });
  const all = expect.stringMatching(/^watch: [^]+\n {2}watch add: tell me/);
  expect(ann.heard).toEqual([all, all]);
});

test("help alone says so", async () => {
  await using warren = await createTestWarren({ plugins: [help] });
  const ann = warren.person("ann");
  await ann.says("help", { to: "help" });
  expect(ann.heard).toEqual(["no other bot is online"]);
});
