import { expect, test } from "bun:test";
import { createIdentity } from "../../src/identity/identity.ts";
import { findCommands } from "../../src/registry/find-commands.ts";
import { signGrant } from "../../src/registry/grant.ts";
import { makeRecord, openRegistry, RawSession } from "./setting.ts";

const dice = await createIdentity();
const card = { about: "games", commands: [{ name: "roll", about: "roll dice", args: { type: "object" } }] };
const record = await makeRecord(dice, { name: "dice", kind: "bot", card });

test("what bots can do is found by words", async () => {
  await using registry = await openRegistry();
  using session = new RawSession(registry.url);
  await session.logIn(dice, { record });
  expect(await findCommands(registry.url, "roll games")).toEqual({
    commands: [{ ...card.commands[0], bot: { id: dice.id, name: "dice", kind: "bot", about: "games" } }],
    more: false,
  } as unknown as Awaited<ReturnType<typeof findCommands>>);
  expect(await findCommands(registry.url, "fly")).toEqual({ commands: [], more: false });
});

test("what no bot has signed is not believed", async () => {
  const key = await createIdentity();
  const grant = await signGrant({ registry: key.id, name: "dice", id: dice.id, since: 0, notAfter: 1 }, key.privateKey);
  const of = (name: string, id = dice.id) => ({ name, about: "x", args: {}, bot: { id, name: "dice", about: "" } });
  const cases: [commands: object[], bots: object[], found: string[]][] = [
    [[of("roll"), of("steal")], [{ id: dice.id, record, grant }], ["roll"]],
    [[of("roll", key.id)], [{ id: key.id, record, grant }], []],
    [[of("roll")], [], []],
    [[of("roll")], [{ id: dice.id, record: `${record.slice(0, -9)}AAAAAAAAA`, grant }], []],
  ];
  for (const [commands, bots, names] of cases) {
    const answer = { registry: key.id, commands, bots, more: false };
    using server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => Response.json(answer) });
    const found = await findCommands(`http://127.0.0.1:${server.port}`, "");
    expect(found.commands.map(({ name }) => name)).toEqual(names);
  }
});
