import { expect, test } from "bun:test";
import { createTestWarren } from "warren/testing";
import echo from "../../bots/echo.ts";

test("echo says back what you say, and louder when asked", async () => {
  await using warren = await createTestWarren({ plugins: [echo] });
  const ann = warren.person("ann");
  await ann.says("good morning", { to: "echo" });
  await ann.says("shout good morning", { to: "echo" });
  expect(ann.heard).toEqual(["good morning", "GOOD MORNING"]);
});
