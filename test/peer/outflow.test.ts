import { expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
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

test("what a receiver does not read waits on the sender's disk: in memory there are a few megabytes of it", async () => {
  await using burrow = createBurrow();
  const [ann, bob] = [await burrow.open("ann"), await burrow.open("bob")];
  await burrow.introduce(ann, bob);
  await Promise.all([bob.send("ann", "welcome"), ann.send("bob", "welcome"), burrow.settle()]);
  burrow.network.silence(() => true); // as if bob was stopped: the connection stays, and nothing that is written to it is read
  const sendMany = async (count: number): Promise<void> => {
    for (let n = 0; n < count; n += 500) {
      const sent = Promise.all(Array.from({ length: 500 }, () => ann.send("bob", randomBytes(2_000).toString("hex"))));
      await burrow.world.clock.settle();
      await sent;
    }
  };
  await sendMany(2_000); // 8 MB: whatever may be full is full now
  const before = heapBytes();
  await sendMany(8_000);
  expect((heapBytes() - before) / 1e6).toBeLessThan(5); // of 32 MB
  expect(ann.outbox.list()).toMatchObject([{ messages: 10_000 }]);
});

function heapBytes(): number {
  Bun.gc(true);
  return process.memoryUsage().heapUsed;
}
