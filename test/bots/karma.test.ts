import { expect, test } from "bun:test";
import { createTestWarren } from "warren/testing";
import karma from "../../bots/karma.ts";

test("praise is counted, whoever it comes from", async () => {
  await using warren = await createTestWarren({ plugins: [karma] });
  const [ann, bob] = [warren.person("ann"), warren.person("bob")];
  await ann.says("Bob++ for the cake, coffee++", { to: "karma" });
  await bob.says("coffee++ and rain-- and snow—", { to: "karma" });
  expect([ann.heard, bob.heard]).toEqual([["bob has 1, coffee has 1"], ["coffee has 2, rain has -1, snow has -1"]]);
  await ann.says("karma Coffee", { to: "karma" });
  await ann.says("karma nothing", { to: "karma" });
  await ann.says("top 2", { to: "karma" });
  expect(ann.heard.slice(1)).toEqual(["Coffee has 2", "nothing has 0", "coffee 2\nbob 1"]);
});

test("nobody praises themselves", async () => {
  await using warren = await createTestWarren({ plugins: [karma] });
  const ann = warren.person("ann");
  await ann.says("ann++", { to: "karma" });
  await ann.says("karma ann", { to: "karma" });
  expect(ann.heard).toEqual(["others must praise you", "ann has 0"]);
});

test("what only looks like praise is none", async () => {
  await using warren = await createTestWarren({ plugins: [karma] });
  const ann = warren.person("ann");
  await ann.says("use --force and 1+++2", { to: "karma" });
  expect(ann.heard.at(-1)).toStartWith("keeps score of praise");
  await ann.says("top", { to: "karma" });
  expect(ann.heard.at(-1)).toBe("nobody has been praised yet");
});
