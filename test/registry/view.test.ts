import { expect, test } from "bun:test";
import { silentLog } from "../../src/base/log.ts";
import { createIdentity, type Identity } from "../../src/identity/identity.ts";
import type { PeerFrame } from "../../src/registry/frames.ts";
import { signGrant } from "../../src/registry/grant.ts";
import type { RecordBody } from "../../src/registry/record.ts";
import { View } from "../../src/registry/view.ts";
import { ManualClock } from "../../src/testing/manual-clock.ts";
import { makeRecord } from "./setting.ts";

const registry = await createIdentity();
const self = await createIdentity();
const ann = await createIdentity();
const ben = await createIdentity();

function watch(maxRecordChars?: number) {
  const clock = new ManualClock();
  const told: string[] = [];
  const onChange = ({ name, online }: { name: string; online: boolean }) =>
    told.push(`${name} ${online ? "on" : "off"}`);
  const bound = maxRecordChars === undefined ? {} : { maxRecordChars };
  const view = new View({ self: self.id, clock, log: silentLog, onChange, ...bound });
  const take = async (one: PeerFrame): Promise<void> => view.take(one, registry.id);
  return {
    view,
    clock,
    told,
    take,
    online: () => [...view.entries()].filter((one) => one.online).map(({ name }) => name),
  };
}

async function frame(
  who: Identity,
  more: Partial<RecordBody> & { name: string; cursor?: string; online?: boolean; age?: number },
): Promise<PeerFrame> {
  const { cursor, online = true, age = 0, ...fields } = more;
  const grant = { registry: registry.id, name: fields.name, id: who.id, since: 0, notAfter: 1 };
  const signed = { record: await makeRecord(who, fields), grant: await signGrant(grant, registry.privateKey) };
  return { t: "peer", online, age, ...signed, cursor };
}

test("coming, changing and going are told, saying the same again is not", async () => {
  const { take, told } = watch();
  const first = await frame(ann, { name: "ann" });
  await take(first);
  await take(first);
  await take(await frame(ann, { name: "ann", seq: 2 }));
  await take(await frame(ann, { name: "ann", seq: 2, online: false }));
  await take(await frame(ann, { name: "ann", seq: 2, online: false }));
  expect(told).toEqual(["ann on", "ann on", "ann off"]);
});

test("who is not in a snapshot any more is offline once it is complete", async () => {
  const { view, take, told } = watch();
  view.beginSnapshot();
  await take(await frame(ann, { name: "ann" }));
  await take(await frame(ben, { name: "ben" }));
  view.reach("h.1");
  view.beginSnapshot();
  expect(view.cursor).toBeUndefined(); // a connection that breaks now must not go on from there
  await take(await frame(ben, { name: "ben" }));
  expect(told).toEqual(["ann on", "ben on"]);
  view.reach("h.2");
  expect(told).toEqual(["ann on", "ben on", "ann off"]);
});

test("after a move those who are not there yet have a while to come, and are offline when it is over", async () => {
  const { view, take, told, clock } = watch();
  await take(await frame(ann, { name: "ann" }));
  await take(await frame(ben, { name: "ben" }));
  view.beginSnapshot();
  view.reach("other.1", 10_000);
  await take(await frame(ann, { name: "ann" }));
  await clock.advance(9_999);
  expect(told).toEqual(["ann on", "ben on"]);
  await clock.advance(1);
  expect(told).toEqual(["ann on", "ben on", "ben off"]);
});

test("a cursor counts only when everything before it is known", async () => {
  const { view, take } = watch();
  view.beginSnapshot();
  await take(await frame(ann, { name: "ann", cursor: "h.5" }));
  expect(view.cursor).toBeUndefined();
  view.reach("h.6");
  expect(view.cursor).toBe("h.6");
  await take(await frame(ben, { name: "ben", cursor: "h.7" }));
  expect(view.cursor).toBe("h.7");
});

test("a record that is replayed, forged, without a grant or granted by another is dropped and counted", async () => {
  const { view, take, told, online } = watch();
  const good = await frame(ann, { name: "ann", seq: 5 });
  const older = await frame(ann, { name: "ann", seq: 4, addresses: [{ host: "192.0.2.66", port: 1 }] });
  const bens = await frame(ben, { name: "ben" });
  await take(good);
  await take(older);
  await take({ ...good, record: `${good.record.slice(0, -8)}AAAAAAAA` });
  await take({ ...bens, grant: "" });
  await take({ ...bens, grant: good.grant });
  await view.take(bens, ann.id);
  expect(view.refused).toBe(5);
  expect(told).toEqual(["ann on"]);
  expect(online()).toEqual(["ann"]);
});

test("an entry is believed for its time to live, less its age at the registry", async () => {
  const { clock, take, online } = watch();
  await take(await frame(ann, { name: "ann", ttl: 100, age: 40 }));
  await clock.advance(59_999);
  expect(online()).toEqual(["ann"]);
  await clock.advance(1);
  expect(online()).toEqual([]);
});

test("a peer does not watch itself", async () => {
  const { take, told, view } = watch();
  await take(await frame(self, { name: "me" }));
  expect(told).toEqual([]);
  expect([...view.entries()]).toEqual([]);
});

test("what is kept is bounded by its length; who is offline makes room, and who is online does not", async () => {
  const entries = [await frame(ann, { name: "ann" }), await frame(ben, { name: "ben" })] as const;
  const { take, view, online } = watch(entries[0].record.length + entries[1].record.length - 1);
  await take(entries[0]);
  await take(entries[1]);
  expect([online(), view.refused]).toEqual([["ann"], 1]);
  await take(await frame(ann, { name: "ann", online: false }));
  await take(entries[1]);
  expect([...view.entries()].map(({ name }) => name)).toEqual(["ben"]);
});

test("a name finds those who have it, also after it has changed hands, and an id finds its one", async () => {
  const { view, take } = watch();
  await take(await frame(ann, { name: "ann" }));
  await take(await frame(ben, { name: "ben" }));
  expect(view.named("ann")).toMatchObject([{ id: ann.id, online: true }]);
  await take(await frame(ann, { name: "anna", seq: 2 }));
  await take(await frame(ben, { name: "ann", seq: 2, online: false }));
  expect(view.named("ann")).toMatchObject([{ id: ben.id, online: false }]);
  expect(view.named("anna")).toMatchObject([{ id: ann.id, online: true }]);
  expect([view.named("ben"), view.entry(ben.id)?.name, view.entry(self.id)]).toEqual([[], "ann", undefined]);
});
