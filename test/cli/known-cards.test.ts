import { expect, test } from "bun:test";
import type { Card } from "../../src/base/card.ts";
import { KnownCards } from "../../src/cli/known-cards.ts";
import type { Peer } from "../../src/peer/peer.ts";
import { createLog, silentLog } from "../../src/base/log.ts";

const dice: Card = { about: "rolls dice", commands: [] };
const far: Card = { about: "is offline", commands: [] };

const named = (name: string): { card: Card }[] => (name === "dice" ? [{ card: dice }] : []);
const refuse = (): Promise<never> => Promise.reject(new Error("asked"));

/** A peer that is told of dice, and whose registry is asked about the others. */
function peerOf(find: (name: string) => Promise<{ card: Card }[]>, log = silentLog): Peer {
  const peer: unknown = { directory: { named }, find: ({ name }: { name: string }) => find(name), log };
  return peer as Peer;
}

test("of who is online the subscription tells; of another the registry is asked, once", async () => {
  const asked: string[] = [];
  const cards = new KnownCards(() =>
    peerOf(async (name) => {
      asked.push(name);
      return await Promise.resolve([{ card: far }]);
    }),
  );
  expect(await cards.get("dice")).toBe(dice);
  expect(cards.now("far")).toBeUndefined(); // it is there at the next call
  await cards.get("far");
  expect([cards.now("far"), await cards.get("far")]).toEqual([far, far]);
  expect(asked).toEqual(["far"]);
  cards.clear();
  expect(await cards.get("far")).toBe(far);
  expect(asked).toHaveLength(2);
});

test("what is no name is asked about nowhere, nor is anything without a peer", async () => {
  expect(await new KnownCards(() => peerOf(refuse)).get("127.0.0.1:1")).toBeUndefined();
  expect(await new KnownCards(() => undefined).get("far")).toBeUndefined();
});

test("a registry that does not answer is asked again the next time", async () => {
  const logged: string[] = [];
  const log = createLog("peer", (level, _, text) => void logged.push(`${level}: ${text}`));
  let isUp = false;
  const find = (): Promise<{ card: Card }[]> =>
    isUp ? Promise.resolve([{ card: far }]) : Promise.reject(new Error("it is down"));
  const cards = new KnownCards(() => peerOf(find, log));
  expect(await cards.get("far")).toBeUndefined();
  expect(logged).toEqual(["debug: what far can do is not known: it is down"]);
  isUp = true;
  expect(await cards.get("far")).toBe(far);
});
