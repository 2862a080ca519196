import { expect, test } from "bun:test";
import { createIdentity } from "../../src/identity/identity.ts";
import { findLines } from "../../src/cli/find.ts";
import { createPaint } from "../../src/cli/paint.ts";
import type { FoundCommand } from "../../src/registry/find-commands.ts";
import { makeRecord, openRegistry, RawSession } from "../registry/setting.ts";
import { TestHome } from "./processes.ts";

const { id } = await createIdentity();
const sides = { type: "object", properties: { sides: { type: "integer", default: 6 } } };
const roll: FoundCommand = {
  name: "roll",
  about: "roll some dice",
  args: sides,
  bot: { id, name: "dice", kind: "bot", about: "rolls dice" },
};

test("commands stand with their bot, with what they take and how to ask", () => {
  const odd = { ...roll, name: "odd", about: "\u001b[2Jx", args: { properties: { "no key": {} } } };
  expect(findLines([roll, odd], true, createPaint(false))).toEqual([
    "dice  rolls dice",
    "  roll [sides=6]  roll some dice",
    "  odd  \\u001b[2Jx",
    "  ask: bun run peer send dice roll",
    "there is more: say more words",
  ]);
  expect(findLines([], false, createPaint(false))).toEqual(["no bot that is online can do that"]);
});

test("bun run peer find asks the registry, for people and for programs, and makes no identity", async () => {
  await using registry = await openRegistry();
  await using home = await TestHome.make();
  const dice = await createIdentity();
  const card = { about: "rolls dice", commands: [{ name: "roll", about: "roll some dice", args: sides }] };
  using session = new RawSession(registry.url);
  await session.logIn(dice, { record: await makeRecord(dice, { name: "dice", kind: "bot", card }) });
  const find = (...args: string[]) => home.run(["find", "-r", registry.url, ...args]);
  expect(await find("some", "dice")).toMatchObject({
    code: 0,
    out: expect.stringContaining("roll [sides=6]"),
    err: "",
  });
  expect(JSON.parse((await find("--json", "roll")).out)).toEqual({
    event: "found",
    commands: [{ ...card.commands[0], bot: { id: dice.id, name: "dice", kind: "bot", about: "rolls dice" } }],
    more: false,
  });
  expect((await find("fly")).code).toBe(1);
  expect((await home.run(["find", "-r", "127.0.0.1:1", "-r", registry.url, "roll"])).code).toBe(0); // the first that answers
  expect((await home.run(["find", "-r", "127.0.0.1:1,127.0.0.1:2", "roll"])).err).toContain(
    "127.0.0.1:1 does not answer",
  );
  expect(await home.run(["find", "-r", "none"])).toMatchObject({ code: 2 });
  expect(await Bun.file(`${home.path}/last`).exists()).toBe(false);
}, 20_000);
