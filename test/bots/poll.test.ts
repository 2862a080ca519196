import { describe, expect, test } from "bun:test";
import { createTestWarren, type TestPerson, type TestWarren } from "warren/testing";
import poll from "../../bots/poll.ts";
import { NETWORKS } from "./networks.ts";

const LUNCH = "ann asks: Lunch?\n1. pizza\n2. soup";
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

const noted = (choice: string, number = 1): string => `noted: ${choice} ("!vote ${number} …" changes it)`;

/** Three people whom the bot knows to be online; `news` is what one of them has heard since the last look. */
async function meet(warren: TestWarren) {
  const [ann, bob, cem] = [warren.person("ann"), warren.person("bob"), warren.person("cem")];
  const seen = new Map<TestPerson, number>();
  const news = (person: TestPerson): string[] => {
    const before = seen.get(person);
    seen.set(person, person.heard.length);
    return person.heard.slice(before);
  };
  for (const person of [ann, bob, cem]) {
    await person.says("help", { to: "poll" });
    news(person);
  }
  return { ann, bob, cem, news };
}

describe.each(NETWORKS)("%s", (network) => {
  test("everybody is asked, and told when it closes, whatever was restarted meanwhile", async () => {
    await using warren = await createTestWarren({ network, plugins: [poll] });
    const { ann, bob, cem, news } = await meet(warren);
    await ann.says('poll "Lunch?" pizza,soup', { to: "poll" });
    expect(news(ann).toSorted()).toEqual([LUNCH, 'poll 1 asks ann, bob, cem: "results 1" tells how it stands']);
    await bob.says("2", { to: "poll" });
    await warren.restart("poll");
    for (const text of ["lasagne", "soup"]) await cem.says(text, { to: "poll" });
    await ann.says("!results 1", { to: "poll" });
    expect(news(ann)).toEqual(["Lunch? (2 of 3 voted)\npizza: 0\nsoup: 2"]);
    await warren.restart("poll");
    await bob.says("vote 1 Pizza", { to: "poll" });
    expect(news(bob)).toEqual([LUNCH, noted("soup"), noted("pizza")]);
    await warren.clock.advance(HOUR);
    await warren.quiet();
    const closed = "closed: Lunch? (2 of 3 voted)\npizza: 1\nsoup: 1";
    expect([news(ann), news(bob)]).toEqual([[closed], [closed]]);
    expect(news(cem)).toEqual([LUNCH, expect.stringContaining("lasagne"), noted("soup"), closed]);
    await ann.says("poll Tea? yes,no bob", { to: "poll" }); // a word to the bot again, and no answer
    expect(news(ann)).toEqual(['poll 2 asks bob: "results 2" tells how it stands']);
    expect(warren.errors).toEqual([]);
  });
});

test("who is asked twice is asked one thing after the other, and nobody else is asked", async () => {
  await using warren = await createTestWarren({ plugins: [poll] });
  const { ann, bob, cem, news } = await meet(warren);
  await ann.says('poll Lunch? "pizza, soup" bob', { to: "poll" });
  await cem.says("poll Tea? yes,no Bob,nobody 10m", { to: "poll" });
  await bob.says("1", { to: "poll" });
  await warren.restart("poll");
  await bob.says("no", { to: "poll" });
  expect(news(bob)).toEqual([LUNCH, noted("pizza"), "cem asks: Tea?\n1. yes\n2. no", noted("no", 2)]);
  expect(news(cem)).toEqual(['poll 2 asks bob: "results 2" tells how it stands']);
  await warren.clock.advance(HOUR);
  await warren.quiet();
  expect(news(cem)).toEqual(["closed: Tea? (1 of 1 voted)\nyes: 0\nno: 1"]);
});

test("a poll that closes while the bot is off is told of once, and takes no vote", async () => {
  await using warren = await createTestWarren({ plugins: [poll] });
  const { ann, bob, news } = await meet(warren);
  await ann.says("poll Lunch? pizza,soup bob", { to: "poll" });
  warren.clock.skip(2 * HOUR); // nothing runs
  await warren.restart("poll");
  await warren.clock.advance(MINUTE); // till they have found each other again
  const closed = "closed: Lunch? (0 of 1 voted)\npizza: 0\nsoup: 0";
  expect(news(ann).slice(1)).toEqual([closed]);
  for (const text of ["vote 1 soup", "results 1"]) await bob.says(text, { to: "poll" });
  expect(news(bob).slice(1)).toEqual([closed, "poll 1 does not ask you that", "there is no open poll 1"]);
});

test("what is no poll is refused, and so is a vote of somebody who is not asked", async () => {
  await using warren = await createTestWarren({ plugins: [poll] });
  const { ann, bob, cem, news } = await meet(warren);
  for (const text of ["poll Lunch? pizza", "poll Lunch? pizza,soup bob 8d", "poll Lunch? pizza,soup dan"])
    await ann.says(text, { to: "poll" });
  expect(news(ann)).toEqual([
    "give 2 to 20 choices, with commas between them: pizza,soup",
    expect.stringContaining("a poll is open for at most 7d"),
    "none of them is known here",
  ]);
  await cem.says("poll Lunch? pizza,soup bob", { to: "poll" });
  await ann.says("vote 1 pizza", { to: "poll" });
  expect(news(ann).at(-1)).toBe("poll 1 does not ask you that");
  await bob.says("!vote 1 lasagne", { to: "poll" });
  expect(news(bob).at(-1)).toBe("poll 1 does not ask you that");
});
