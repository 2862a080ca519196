import { expect, test } from "bun:test";
import { createIdentity } from "../../src/identity/identity.ts";
import { searchCommands } from "../../src/registry/command-search.ts";
import { Roster } from "../../src/registry/roster.ts";
import { ManualClock } from "../../src/testing/manual-clock.ts";
import { describeSelf } from "./setting.ts";

const holder = { dismiss() {}, renew() {} };
const who = await createIdentity();

type Commands = Record<string, string>;

/** Bots by name, each with what its commands are about. */
function rosterOf(bots: Record<string, { about?: string; commands: Commands }>): Roster {
  const roster = new Roster(new ManualClock(), "h");
  for (const [name, { about = "", commands }] of Object.entries(bots)) {
    const listed = Object.entries(commands).map(([command, words]) => ({ name: command, about: words, args: {} }));
    const card = { about, commands: listed };
    const body = { ...describeSelf(who, name, { card }), id: `${name}-id` as typeof who.id, seq: 1, ttl: 60 };
    roster.arrive({ body, record: `${name}-record`, grant: "", since: 0, stay: 1, notAfter: 0 }, holder);
  }
  return roster;
}

function found(roster: Roster, text: string, limit = 10): string[] {
  return searchCommands(roster.present(), text, limit).commands.map(({ name, bot }) => `${bot.name} ${name}`);
}

const roster = rosterOf({
  dice: { about: "games of chance", commands: { roll: "roll some dice", flip: "flip a coin" } },
  bakery: { commands: { order: "order a roll or bread", "list add": "put something on the list" } },
  ann: { commands: {} },
});

test("a command is found by its name first, then by what it is about, then by its bot", () => {
  expect(found(roster, "roll")).toEqual(["dice roll", "bakery order"]);
  expect(found(roster, "chance")).toEqual(["dice flip", "dice roll"]);
  expect(found(roster, "dice")).toEqual(["dice roll", "dice flip"]);
  expect(found(roster, "brea")).toEqual(["bakery order"]);
});

test("every word has to be found, in any order and in either case", () => {
  expect(found(roster, "BREAD order")).toEqual(["bakery order"]);
  expect(found(roster, "order dice")).toEqual([]);
  expect(found(roster, "list, add!")).toEqual(["bakery list add"]);
});

test("without a word there is everything, and no more than was asked for", () => {
  expect(found(roster, " ")).toHaveLength(4);
  const few = searchCommands(roster.present(), "", 3);
  expect(few.commands).toHaveLength(3);
  expect(few.more).toBe(true);
  expect(searchCommands(roster.present(), "", 4).more).toBe(false);
});

test("each bot comes once, with what proves what it says", () => {
  const { commands, bots } = searchCommands(roster.present(), "dice", 10);
  expect(commands).toHaveLength(2);
  expect(bots).toEqual([{ id: "dice-id" as typeof who.id, record: "dice-record", grant: "" }]);
});

test("a crowd of full cards is looked at only so far, and the answer says so", () => {
  const commands = Object.fromEntries(Array.from({ length: 64 }, (_, n) => [`c${n}`, "x"]));
  const crowd = rosterOf(Object.fromEntries(Array.from({ length: 400 }, (_, n) => [`bot${n}`, { commands }])));
  let seen = 0;
  const counted = (function* () {
    for (const presence of crowd.present()) yield (seen++, presence);
  })();
  expect(searchCommands(counted, "nothing of that kind", 10)).toEqual({ commands: [], bots: [], more: true });
  expect(seen).toBeLessThan(400);
});
