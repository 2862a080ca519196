import { expect, test } from "bun:test";
import { createTestWarren } from "warren/testing";
import pizza from "../../bots/pizza.ts";

test("an order survives a crash in the middle of it", async () => {
  await using warren = await createTestWarren({ plugins: [pizza], seed: 7 });
  const ann = warren.person("ann");
  for (const text of ["order", "many", "6"]) await ann.says(text, { to: "pizza" });
  await warren.restart("pizza");
  await ann.says("mushrooms", { to: "pizza" });
  const topping = "Which topping?\n1. ham\n2. mushrooms\n3. nothing";
  const again = '"many" is not a whole number\nHow many pieces?';
  expect(ann.heard).toEqual(["How many pieces?", again, topping, "6 with mushrooms, from oven 2"]);
  await ann.says("last", { to: "pizza" });
  expect(ann.heard.at(-1)).toBe("6 with mushrooms");
});

test("who does not answer orders nothing", async () => {
  await using warren = await createTestWarren({ plugins: [pizza] });
  const ann = warren.person("ann");
  await ann.says("order", { to: "pizza" });
  await ann.says("!order", { to: "pizza" });
  await warren.clock.advance(600_000);
  await ann.says("last", { to: "pizza" });
  const late = "there was no answer in time: cancelled.";
  expect(ann.heard).toEqual(["How many pieces?", "answer the last question first", late, "nothing yet"]);
});
