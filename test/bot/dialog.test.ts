import { expect, test } from "bun:test";
import { z } from "zod";
import { open, pizza, size, TOPPINGS, whole, type Work } from "./pizza-bot.ts";

test("a dialog asks, hears and says, one step after another", async () => {
  await using warren = await open(whole);
  const ann = warren.person("ann");
  for (const text of ["order", "6", "2"]) await ann.says(text, { to: "pizza" });
  expect(ann.heard).toEqual(["How big?", TOPPINGS, "ann: 6 with mushrooms"]);
  await ann.says("menu", { to: "pizza" });
  expect(ann.heard.at(-1)).toBe("pizza");
  expect(warren.errors).toEqual([]);
});

test("what is wrong is said, and asked again, until it was wrong too often", async () => {
  await using warren = await open(async (d) => void (await d.ask("size", "How big?", size, { retries: 1 })));
  const ann = warren.person("ann");
  for (const text of ["order", "big", "10"]) await ann.says(text, { to: "pizza" });
  expect(ann.heard).toEqual([
    "How big?",
    '"big" is not a whole number\nHow big?',
    '"10" is too big: at most 9\nthat was one wrong answer too many: cancelled.',
  ]);
  await ann.says("order", { to: "pizza" });
  expect(ann.heard.at(-1)).toBe("How big?");
});

test("wrong answers are counted across a crash", async () => {
  await using warren = await open(async (d) => void (await d.ask("size", "How big?", size, { retries: 1 })));
  const ann = warren.person("ann");
  await ann.says("order", { to: "pizza" });
  await ann.says("big", { to: "pizza" });
  await warren.restart("pizza");
  await ann.says("huge", { to: "pizza" });
  expect(ann.heard.at(-1)).toEndWith("one wrong answer too many: cancelled.");
});

test("the time to answer runs out", async () => {
  await using warren = await open(async (d) => void (await d.ask("size", "How big?", size, { timeout: "3h" })));
  const ann = warren.person("ann");
  await ann.says("order", { to: "pizza" });
  await warren.clock.advance(3 * 3_600_000 - 1_000);
  expect(ann.heard).toEqual(["How big?"]);
  await warren.clock.advance(2_000);
  expect(ann.heard).toEqual(["How big?", "there was no answer in time: cancelled."]);
  await ann.says("order", { to: "pizza" });
  expect(ann.heard.at(-1)).toBe("How big?");
});

const forgiving: Work = async (d) => {
  const pieces = await d.ask("size", "How big?", size, { timeout: "10m" }).catch((error: { code?: string }) => {
    if (error.code !== "DIALOG_TIMEOUT") throw error;
    return 4;
  });
  await d.say(`${pieces} pieces`);
  await d.ask("more", "Anything else?", z.string());
  await d.say(`still ${pieces}`);
};

test("the time to answer runs out after a restart, too, and the author may catch it", async () => {
  await using warren = await open(forgiving);
  const ann = warren.person("ann");
  await ann.says("order", { to: "pizza" });
  await warren.clock.advance(400_000);
  await warren.restart("pizza");
  await warren.clock.advance(100_000);
  expect(ann.heard).toEqual(["How big?"]);
  await warren.clock.advance(101_000);
  expect(ann.heard).toEqual(["How big?", "4 pieces", "Anything else?"]);
  await warren.restart("pizza");
  await ann.says("no", { to: "pizza" });
  expect(ann.heard.at(-1)).toBe("still 4");
});

test("after a kill in the middle nothing is said, asked or done twice", async () => {
  const baked: string[] = [];
  await using warren = await open(async (d) => {
    await d.say("welcome");
    const pieces = await d.ask("size", "How big?", size);
    const ticket = await d.once("bake", () => `no. ${baked.push(`${pieces} pieces`)}`);
    await d.say(`your ticket: ${ticket}`);
    const name = await d.ask("name", "Your name?", z.string());
    await d.say("bye", `${pieces} pieces for ${name}, ${ticket}`);
  });
  const ann = warren.person("ann");
  await ann.says("order", { to: "pizza" });
  await warren.restart("pizza");
  await ann.says("6", { to: "pizza" });
  await warren.restart("pizza");
  await warren.restart("pizza");
  await ann.says("Ann", { to: "pizza" });
  await warren.restart("pizza");
  expect(ann.heard).toEqual(["welcome", "How big?", "your ticket: no. 1", "Your name?", "6 pieces for Ann, no. 1"]);
  expect(baked).toEqual(["6 pieces"]);
  expect(warren.errors).toEqual([]);
});

test("a dialog goes on with an edited list of steps", async () => {
  await using warren = await open(async (d) => {
    await d.ask("size", "How big?", size);
    await d.ask("name", "Your name?", z.string());
  });
  const ann = warren.person("ann");
  await ann.says("order", { to: "pizza" });
  await ann.says("6", { to: "pizza" });
  await warren.reload(
    "pizza",
    pizza(async (d) => {
      await d.say("hello", "now with toppings");
      const pieces = await d.ask("size", "How big, please?", size);
      const topping = await d.choose("topping", "Which topping?", ["ham", "mushrooms"]);
      const name = await d.ask("name", "Your name?", z.string());
      await d.say(`${name}: ${pieces} with ${topping}`);
    }),
  );
  await ann.says("ham", { to: "pizza" });
  await ann.says("Ann", { to: "pizza" });
  expect(ann.heard).toEqual(["How big?", "Your name?", "now with toppings", TOPPINGS, "Ann: 6 with ham"]);
});

test("wherever a kill comes, each thing is said once and each answer counts once", async () => {
  for (const killed of ["order", "6", "2"]) {
    for (let ms = 0; ms < 8; ms++) {
      await using warren = await open(whole);
      const ann = warren.person("ann");
      await ann.says("!menu", { to: "pizza" });
      for (const text of ["order", "6", "2"]) {
        let restart: Promise<void> | undefined;
        if (text === killed) warren.clock.after(ms, () => (restart = warren.restart("pizza")));
        await ann.says(text, { to: "pizza" });
        await warren.clock.advance(20_000);
        await restart;
      }
      const rest = ["pizza", "How big?", TOPPINGS, "ann: 6 with mushrooms"];
      expect([killed, ms, ann.heard]).toEqual([killed, ms, rest]);
    }
  }
});

test("steps that cannot work say why", async () => {
  const broken: [Work, string][] = [
    [(d) => d.ask("size", "How big?", z.object({})), "an object cannot be asked for"],
    [(d) => d.ask("size", "How big?", size, { timeout: "soon" as "1s" }), '"soon" is not a duration'],
    [(d) => Promise.all([d.ask("a", "A?", size), d.ask("b", "B?", size)]), 'step "b": another question is open'],
    [(d) => d.once("big", () => 1n), "what a step gives must be JSON"],
  ];
  for (const [work, reason] of broken) {
    await using warren = await open(work);
    await warren.person("ann").says("order", { to: "pizza" });
    expect(warren.errors[0]).toContain(reason);
  }
});

test("an answer in time stays one, however long the dialog lasts", async () => {
  await using warren = await open(async (d) => {
    const pieces = await d.ask("size", "How big?", size, { timeout: "10m" });
    const name = await d.ask("name", "Your name?", z.string());
    await d.say(`${pieces} for ${name}`);
  });
  const ann = warren.person("ann");
  await ann.says("order", { to: "pizza" });
  await ann.says("6", { to: "pizza" });
  await warren.clock.advance(700_000);
  await warren.restart("pizza");
  await ann.says("Ann", { to: "pizza" });
  expect(ann.heard.at(-1)).toBe("6 for Ann");
});

test("the time to answer is that of the wall clock, which may jump", async () => {
  await using warren = await open(async (d) => void (await d.ask("size", "How big?", size, { timeout: "60d" })));
  const ann = warren.person("ann");
  await ann.says("order", { to: "pizza" });
  await warren.clock.advance(1_000);
  warren.clock.jump(60 * 86_400_000);
  await warren.clock.advance(3_600_000);
  expect(ann.heard.at(-1)).toBe("there was no answer in time: cancelled.");
});

test("an answer that is still looked at when its time runs out is one to the next question", async () => {
  const gate = Promise.withResolvers<void>();
  const slow = z.string().refine(async () => await gate.promise.then(() => true));
  await using warren = await open(async (d) => {
    const one = await d.ask("one", "One?", slow, { timeout: "1m" }).catch(() => "nothing");
    const two = await d.ask("two", "Two?", z.string());
    await d.say(`${one}, ${two}`);
  });
  const ann = warren.person("ann");
  await ann.says("order", { to: "pizza" });
  warren.clock.after(1_000, () => void warren.clock.after(60_000, () => gate.resolve()));
  const answer = ann.says("yes", { to: "pizza" }).catch((error: unknown) => error); // the kit may lose patience
  await warren.clock.advance(70_000);
  await answer;
  expect(ann.heard).toEqual(["One?", "Two?", "nothing, yes"]);
});

test("a question that a failed run has left open takes no answer", async () => {
  let runs = 0;
  await using warren = await open(async (d) => {
    const asking = d.ask("size", "How big?", size);
    await d.once("look", () => {});
    if (++runs === 1) throw new Error("no dough");
    await d.say(`${await asking} pieces`);
  });
  const ann = warren.person("ann");
  await ann.says("order", { to: "pizza" });
  await ann.says("6", { to: "pizza" });
  expect(ann.heard).toEqual(["How big?", "6 pieces"]);
  expect(warren.errors).toEqual(['pizza: dialog "order" with ann failed: no dough']);
});
