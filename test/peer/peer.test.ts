import { expect, test } from "bun:test";
import { createBurrow, hear, lines } from "./burrow.ts";

test("a message arrives once, and its sender learns that it was delivered and handled", async () => {
  await using burrow = createBurrow();
  const ann = await burrow.open("ann");
  const bob = await burrow.open("bob");
  await burrow.introduce(ann, bob);
  const heard = hear(bob);
  const sending = ann.send("bob", "hello");
  await burrow.settle();
  const sent = await sending;
  expect(heard).toEqual(["hello"]);
  expect((await sent.delivered).state).toBe("handled");
  expect((await sent.handled).state).toBe("handled");
  expect(lines(await ann.history("bob"))).toEqual(["ann: hello (handled)"]);
  expect(lines(await bob.history("ann"))).toEqual(["ann: hello (handled)"]);
});

test("a goodbye that somebody does not read ends after the store has closed, and looks at nothing there", async () => {
  await using burrow = createBurrow();
  const ann = await burrow.open("ann");
  const bob = await burrow.open("bob");
  await burrow.introduce(ann, bob);
  await Promise.all([ann.send("bob", "hello"), burrow.settle()]);
  burrow.network.silence(() => true);
  const long = "long ".repeat(8_000); // two are more than the link takes
  await Promise.all([ann.send("bob", long), ann.send("bob", long), ann.send("bob", long), burrow.settle(1)]);
  const closed = ann.close();
  await burrow.settle(1);
  await closed;
  await burrow.settle(20_000);
  expect(() => ann.outbox.list()).toThrow(); // it has closed
});
