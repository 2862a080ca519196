import { expect, test } from "bun:test";
import { WarrenError } from "../../src/base/errors.ts";
import type { PeerId, PeerInfo } from "../../src/base/ids.ts";
import type { FaceEvent } from "../../src/cli/events.ts";
import { Session } from "../../src/cli/session.ts";
import type { MessageState, Receipt } from "../../src/peer/message.ts";
import type { Peer } from "../../src/peer/peer.ts";

const BOB: PeerInfo = { id: "b".repeat(51).concat("a") as PeerId, name: "bob", kind: "person" };

/** A peer whose sends are kept when the test says so, and whose receipts the test makes up. */
function fakePeer() {
  let tell: ((receipt: Receipt) => void) | undefined;
  const kept: ((id: string) => void)[] = [];
  const never = new Promise<Receipt>(() => {});
  const peer = {
    on: (_: string, listener: (receipt: Receipt) => void) => {
      tell = listener;
      return () => {};
    },
    send: (to: string) =>
      new Promise((resolve, reject) => {
        if (to === "ghost") return reject(new WarrenError("PEER_UNKNOWN", "no peer named ghost"));
        kept.push((id) => resolve({ id, to: BOB, delivered: never, handled: never }));
      }),
    users: async () => [],
  };
  const receipt = (id: string, state: MessageState): void => tell?.({ id, to: BOB, state });
  return { peer: peer as unknown as Peer, kept, receipt };
}

function collect(): { events: FaceEvent[]; states: () => unknown[]; emit: (event: FaceEvent) => void } {
  const events: FaceEvent[] = [];
  const states = (): unknown[] => events.map((event) => (event.event === "receipt" ? event.state : event.event));
  return { events, states, emit: (event) => events.push(event) };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test("a send tells of its message from kept to the last state, with its ref, and then it is over", async () => {
  const { peer, kept, receipt } = fakePeer();
  using session = new Session(peer, () => {});
  const { events, states, emit } = collect();
  const done = session.perform({ do: "send", to: "bob", text: "hi", ref: 7 }, emit);
  kept[0]?.("m1");
  receipt("m1", "queued"); // the peer tells this too; it is told once
  receipt("m1", "sent"); // before the send has said which message it is
  await turn();
  receipt("m1", "delivered");
  receipt("m1", "handled");
  await done;
  expect(states()).toEqual(["queued", "sent", "delivered", "handled"]);
  expect(events.every((event) => event.ref === 7)).toBe(true);
});

test("receipts find the command whose message they are about, and otherwise whoever wants the others", async () => {
  const { peer, kept, receipt } = fakePeer();
  using session = new Session(peer, () => {});
  const others: string[] = [];
  session.onOtherReceipt = ({ id }) => others.push(id);
  const [first, second] = [collect(), collect()];
  void session.perform({ do: "send", to: "bob", text: "1" }, first.emit);
  void session.perform({ do: "send", to: "bob", text: "2" }, second.emit);
  kept[1]?.("m2");
  receipt("m0", "handled"); // of an earlier run
  kept[0]?.("m1");
  await turn();
  receipt("m2", "failed");
  receipt("m1", "sent");
  expect(first.states()).toEqual(["queued", "sent"]);
  expect(second.states()).toEqual(["queued", "failed"]);
  expect(others).toEqual(["m0"]);
});

test("whoever has had enough of a send is not kept waiting for the rest", async () => {
  const { peer, kept } = fakePeer();
  using session = new Session(peer, () => {});
  const enough = new AbortController();
  const { states, emit } = collect();
  const done = session.perform({ do: "send", to: "bob", text: "hi" }, emit, enough.signal);
  kept[0]?.("m1");
  await turn();
  enough.abort();
  await done;
  expect(states()).toEqual(["queued"]);
});

test("a failure is an event with the ref of its command, and the receipts go on", async () => {
  const { peer, receipt } = fakePeer();
  using session = new Session(peer, () => {});
  const others: string[] = [];
  session.onOtherReceipt = ({ id }) => others.push(id);
  const { events, emit } = collect();
  await session.perform({ do: "send", to: "ghost", text: "boo", ref: "r" }, emit);
  expect(events).toEqual([{ event: "error", code: "PEER_UNKNOWN", message: "no peer named ghost", ref: "r" }]);
  receipt("m0", "handled");
  expect(others).toEqual(["m0"]);
});

test("stop asks the owner of the peer to stop it", async () => {
  let stopped = 0;
  using session = new Session(fakePeer().peer, () => stopped++);
  await session.perform({ do: "stop" }, () => {});
  expect(stopped).toBe(1);
});
