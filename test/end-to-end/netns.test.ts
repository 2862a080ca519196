import { afterEach, expect, test } from "bun:test";
import { JsonPeer } from "../cli/processes.ts";
import { ADDRESSES, obstacleToTwoMachines, TwoMachines } from "./two-machines.ts";

let machines: TwoMachines | undefined;
afterEach(() => machines?.[Symbol.asyncDispose]()); // also when the test has run out of time

const why = await obstacleToTwoMachines();
if (why !== undefined) console.warn(`two machines are not tried: ${why}`);

test.skipIf(why !== undefined)(
  "peers of two machines find each other by name, through the registry on one of them",
  async () => {
    const two = (machines = await TwoMachines.make());
    await readLine(two.run(0, "registry.ts", "--host", "0.0.0.0").stdout);
    const start = async (machine: 0 | 1, name: string): Promise<JsonPeer> => {
      const options = ["--json", "-n", name, "-p", "0", "-r", `http://${ADDRESSES[0]}:9277`, "--no-bots"];
      const peer = new JsonPeer(two.run(machine, "peer.ts", ...options));
      await peer.next(({ event }) => event === "ready");
      return peer;
    };
    const [ann, bob] = await Promise.all([start(0, "ann"), start(1, "bob")]);
    await Promise.all([isOnline(ann, "bob"), isOnline(bob, "ann")]);
    ann.say({ do: "send", to: "bob", text: "over the cable" });
    expect(await heard(bob)).toMatchObject({ from: { name: "ann" }, text: "over the cable" });
    bob.say({ do: "send", to: "ann", text: "and back" });
    expect(await heard(ann)).toMatchObject({ from: { name: "bob" }, text: "and back" });
  },
  20_000,
);

/** Waits for the first line, and leaves the stream open: a program whose words nobody takes would end. */
async function readLine(stream: ReadableStream<Uint8Array>): Promise<void> {
  const reader = stream.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done || value.includes(0x0a)) return reader.releaseLock();
  }
}

function isOnline(peer: JsonPeer, name: string): Promise<unknown> {
  return peer.next((event) => event.event === "presence" && (event["peer"] as { name: string }).name === name);
}

function heard(peer: JsonPeer): Promise<unknown> {
  return peer.next(({ event }) => event === "message");
}
