import { expect, test } from "bun:test";
import type { WarrenError } from "../../src/base/errors.ts";
import { createBurrow } from "./burrow.ts";
import { RawPeer } from "./raw-peer.ts";

test("what is not on disk yet is on no wire, whatever else happens in its turn", async () => {
  await using burrow = createBurrow();
  const bob = await burrow.open("bob");
  const zed = await new RawPeer(burrow, "zed").join(bob);
  await Promise.all([bob.send(zed.id, "one"), burrow.settle()]);
  const outcomes: string[] = [];
  const end = bob.on("notice", () => {
    end();
    burrow.failNextCommit(bob);
    bob.send(zed.id, "two").catch((error: WarrenError) => outcomes.push(error.code));
  });
  // The pong is to be written before the turn's commit, and the acknowledgement brings room for more.
  const ack = { t: "ack", epoch: zed.all("start")[0]?.["epoch"], n: 1, w: 9 };
  zed.say({ t: "ping" }, { t: "notice", code: "x", message: "now" }, ack);
  await burrow.settle();
  expect(outcomes).toEqual(["STORE_FAILED"]);
  expect(zed.all("msg").map(({ text }) => text)).toEqual(["one"]);
});
