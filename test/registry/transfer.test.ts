import { rm } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "bun:test";
import { createIdentity, type Identity } from "../../src/identity/identity.ts";
import { lookUp } from "../../src/registry/lookup.ts";
import type { Registry } from "../../src/registry/server.ts";
import { openTransfer, signTransfer, type TransferBody } from "../../src/registry/transfer.ts";
import { makeRecord, openRegistry, RawSession, socketWorld, temporaryFolder } from "./setting.ts";

const ann = await createIdentity();
const ben = await createIdentity();
const cat = await createIdentity();

let seq = 1;

interface Answer {
  readonly said: string;
  readonly grant: string;
  readonly session: RawSession;
}

/** Logs in as fox; `said` is "welcome", or why not. */
async function asFox(
  registry: Registry,
  who: Identity,
  shown: { transfer?: string; grant?: string } = {},
): Promise<Answer> {
  const session = new RawSession(registry.url);
  const { transfer, grant } = shown;
  const record = await makeRecord(who, { name: "fox", seq: ++seq, transfer });
  const answer = await session.logIn(who, { record, grant });
  if (answer.t === "welcome") return { said: "welcome", grant: answer.grant, session };
  return { said: answer.t === "error" ? answer.code : answer.t, grant: "", session };
}

async function sinceOf(registry: Registry): Promise<number> {
  const response = await fetch(`${registry.url}/v1/peers?name=fox`);
  return ((await response.json()) as { peers: { since: number }[] }).peers[0]?.since ?? 0;
}

async function handOn(
  registry: Registry,
  from: Identity,
  to: Identity,
  more: Partial<TransferBody> = {},
): Promise<string> {
  const since = await sinceOf(registry);
  return await signTransfer(
    { registry: registry.id, name: "fox", from: from.id, to: to.id, since, ...more },
    from.privateKey,
  );
}

test("a name that its holder has handed on is the new key's, for good; readers are told from whom it came", async () => {
  await using registry = await openRegistry({ world: socketWorld() });
  const before = await asFox(registry, ann);
  const transfer = await handOn(registry, ann, ben);
  const after = await asFox(registry, ben, { transfer });
  expect(after.said).toBe("welcome");
  expect(await before.session.next()).toMatchObject({ t: "error", code: "NAME_TAKEN" });
  expect((await asFox(registry, ann, { grant: before.grant })).said).toBe("NAME_TAKEN"); // its grant is the older one
  expect((await asFox(registry, ben, { transfer, grant: after.grant })).said).toBe("welcome"); // again and again
  const { entries } = await lookUp(registry.url, { name: "fox" });
  expect(entries).toMatchObject([{ id: ben.id, transferredFrom: ann.id }]);
});

test("a transfer works once: when the name has come back, an old one is worth nothing", async () => {
  await using registry = await openRegistry({ world: socketWorld() });
  await asFox(registry, ann);
  const first = await handOn(registry, ann, ben);
  await asFox(registry, ben, { transfer: first });
  const back = await handOn(registry, ben, ann);
  expect((await asFox(registry, ann, { transfer: back })).said).toBe("welcome");
  expect((await asFox(registry, ben, { transfer: first })).said).toBe("NAME_TAKEN");
});

test("nobody gains by a transfer that is another's, of another name, of another registry, or not the holder's", async () => {
  await using registry = await openRegistry({ world: socketWorld() });
  await asFox(registry, ann);
  const good = await handOn(registry, ann, ben);
  const bad = [
    good, // it is not for cat
    await handOn(registry, ann, cat, { name: "hen" }),
    await handOn(registry, ann, cat, { registry: ben.id }),
    await handOn(registry, ben, cat),
    await handOn(registry, ann, cat, { since: 5 }),
    await signTransfer(await openTransfer(await handOn(registry, ann, cat)), ben.privateKey),
    `${(await handOn(registry, ann, cat)).slice(0, -8)}AAAAAAAA`,
    "",
  ];
  for (const transfer of bad) expect((await asFox(registry, cat, { transfer })).said).toBe("NAME_TAKEN");
});

test("a registry that lost its disk gives the name to the new key, whoever of the two comes first", async () => {
  const world = socketWorld();
  await using folder = await temporaryFolder();
  const options = { folder: folder.path, world };
  const grants = { ann: "", ben: "" };
  {
    await using registry = await openRegistry(options);
    grants.ann = (await asFox(registry, ann)).grant;
    grants.ben = (await asFox(registry, ben, { transfer: await handOn(registry, ann, ben) })).grant;
  }
  for (const isNewFirst of [true, false]) {
    await rm(join(folder.path, "registry.sqlite"), { force: true });
    await rm(join(folder.path, "registry.sqlite-wal"), { force: true });
    await using registry = await openRegistry(options);
    const showOld = async (): Promise<string> => (await asFox(registry, ann, { grant: grants.ann })).said;
    const showNew = async (): Promise<string> => (await asFox(registry, ben, { grant: grants.ben })).said;
    if (isNewFirst) expect([await showNew(), await showOld()]).toEqual(["welcome", "NAME_TAKEN"]);
    else expect([await showOld(), await showNew(), await showOld()]).toEqual(["welcome", "welcome", "NAME_TAKEN"]);
  }
});
