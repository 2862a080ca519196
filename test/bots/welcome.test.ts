import { expect, test } from "bun:test";
import { createTestWarren } from "warren/testing";
import echo from "../../bots/echo.ts";
import welcome from "../../bots/welcome.ts";

test("who comes for the first time is greeted by name, and once", async () => {
  await using warren = await createTestWarren({ plugins: [welcome, echo] });
  const ann = warren.person("ann");
  await ann.says("hello", { to: "echo" });
  await warren.restart("welcome");
  await ann.says("hello again", { to: "echo" });
  const greetings = ann.heard.filter((text) => text.startsWith("welcome"));
  expect(greetings).toEqual(["welcome, ann! say help to the bot called help, and it tells what the bots here can do"]);
});

test("who was there before it is greeted too", async () => {
  await using warren = await createTestWarren({ plugins: [echo] });
  const ann = warren.person("ann");
  await ann.says("hello", { to: "echo" });
  await warren.addBot(welcome);
  await warren.quiet();
  expect(ann.heard.slice(1)).toEqual([expect.stringContaining("welcome, ann!")]);
});

test("what it says is configured", async () => {
  await using warren = await createTestWarren({ plugins: [welcome, echo], config: { welcome: { text: "hi {name}" } } });
  const ann = warren.person("ann");
  await ann.says("hello", { to: "echo" });
  expect(ann.heard).toContain("hi ann");
});
