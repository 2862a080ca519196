import { expect, test } from "bun:test";
import type { Bot, DialogHandle } from "../../src/bot/plugin.ts";
import { MAX_RETRIES } from "../../src/bot/talk.ts";
import { open, size, TOPPINGS, whole } from "./pizza-bot.ts";

test("an error is tried again from where it was, and given up in the end", async () => {
  let attempts = 0;
  await using warren = await open(async (d) => {
    await d.say("hello");
    attempts++;
    const pieces = await d.ask("size", "How big?", size);
    if (pieces === 9 || attempts < 3) throw new Error("no dough");
    await d.say("done");
  });
  const ann = warren.person("ann");
  await ann.says("order", { to: "pizza" });
  await ann.says("3", { to: "pizza" });
  await warren.clock.advance(60_000);
  expect(ann.heard).toEqual(["hello", "How big?", "done"]);
  expect(warren.errors).toEqual(Array(2).fill('pizza: dialog "order" with ann failed: no dough'));
  await ann.says("order", { to: "pizza" });
  await ann.says("9", { to: "pizza" });
  await warren.clock.advance(60_000);
  expect(ann.heard.slice(3)).toEqual(["hello", "How big?", "sorry, something is broken here: cancelled."]);
  expect(warren.errors.at(-1)).toBe('pizza: dialog "order" with ann has failed too often: it is given up');
  expect(warren.errors).toHaveLength(7);
  await ann.says("menu", { to: "pizza" });
  expect(ann.heard.at(-1)).toBe("pizza");
});

test("a dialog goes on after a commit that failed, and says and does nothing twice", async () => {
  for (const failing of ["order", "6", "2", "menu"]) {
    await using warren = await open(whole);
    const ann = warren.person("ann");
    await ann.says("!menu", { to: "pizza" });
    for (const text of ["order", "6", "2", "menu"]) {
      if (text === failing) warren.failNextCommit("pizza");
      await ann.says(text, { to: "pizza" });
      await warren.clock.advance(10_000);
    }
    const rest = ["pizza", "How big?", TOPPINGS, "ann: 6 with mushrooms", "pizza"];
    expect([failing, ann.heard]).toEqual([failing, rest]);
  }
});

test("whichever commit of a turn fails, the dialog goes on", async () => {
  for (let ms = 0; ms < 8; ms++) {
    await using warren = await open(whole);
    const ann = warren.person("ann");
    await ann.says("!menu", { to: "pizza" });
    for (const text of ["order", "6", "2"]) {
      warren.clock.after(ms, () => warren.failNextCommit("pizza"));
      await ann.says(text, { to: "pizza" });
      await warren.clock.advance(20_000);
    }
    expect(warren.errors.filter((text) => text.includes("dialog"))).toEqual([]); // it is not the dialog that failed
    expect([ms, ann.heard]).toEqual([ms, ["pizza", "How big?", TOPPINGS, "ann: 6 with mushrooms"]]);
  }
});

test("an error that comes again after a restart is counted on", async () => {
  let runs = 0;
  await using warren = await open(() => {
    runs++;
    throw new Error("no dough");
  });
  const ann = warren.person("ann");
  await ann.says("order", { to: "pizza" });
  await warren.restart("pizza");
  await warren.clock.advance(60_000);
  expect(ann.heard).toEqual(["sorry, something is broken here: cancelled."]);
  expect(runs).toBe(MAX_RETRIES + 1);
});

test("what a failed run has left open does nothing more", async () => {
  const late = Promise.withResolvers<void>();
  let runs = 0;
  await using warren = await open(async (d) => {
    if (++runs > 1) return await d.say("done");
    void late.promise.then(() => d.say("stray")).catch(() => {});
    throw new Error("no dough");
  });
  const ann = warren.person("ann");
  await ann.says("order", { to: "pizza" });
  late.resolve();
  await warren.clock.advance(60_000);
  expect(ann.heard).toEqual(["done"]);
});

test("a dialog that has failed can be cancelled before it is begun again", async () => {
  let runs = 0;
  await using warren = await open(() => {
    runs++;
    throw new Error("no dough");
  });
  const ann = warren.person("ann");
  await ann.says("order", { to: "pizza" });
  await ann.says("cancel", { to: "pizza" });
  await warren.clock.advance(60_000);
  expect([ann.heard, runs]).toEqual([["cancelled."], 1]);
});

function againAndStop(bot: Bot, order: DialogHandle<undefined>): void {
  bot.command("again", { about: "again", run: ({ from }) => order.start(from, undefined, { replace: true }) });
  bot.command("stop", { about: "stop", run: async ({ from }) => void (await order.cancel(from)) });
}

test("a commit that fails when a dialog is ended by a message only puts it off", async () => {
  const wrong = '"x" is not a whole number\nthat was one wrong answer too many: cancelled.';
  const cases: [said: string[], heard: string[]][] = [
    [
      ["cancel", "order", "6"],
      ["cancelled.", "How big?", "done"],
    ],
    [
      ["x", "order", "6"],
      [wrong, "How big?", "done"],
    ],
    [
      ["!stop", "order", "6"],
      ["How big?", "done"],
    ],
    [
      ["!again", "6"],
      ["How big?", "done"],
    ],
  ];
  for (const [said, heard] of cases) {
    for (let ms = 0; ms < 6; ms++) {
      await using warren = await open(async (d) => {
        await d.ask("size", "How big?", size, { retries: 0 });
        await d.say("done");
      }, againAndStop);
      const ann = warren.person("ann");
      await ann.says("order", { to: "pizza" });
      warren.clock.after(ms, () => warren.failNextCommit("pizza"));
      for (const text of said) {
        await ann.says(text, { to: "pizza" });
        await warren.clock.advance(20_000);
      }
      expect([ms, ann.heard]).toEqual([ms, ["How big?", ...heard]]);
    }
  }
});
