/**
 * A connection that nobody tells of its end: between two machines every packet gets lost, and neither side is told.
 * Both must notice within the keepalive bound, and what was said meanwhile must arrive once the path is back.
 *
 * In real time, which takes most of a minute: a program beside the tests. Exits with 1 when a bound was not kept.
 */
import { JsonPeer } from "../cli/processes.ts";
import { ADDRESSES, obstacleToTwoMachines, TwoMachines } from "./two-machines.ts";

/** A dead peer is given up within so many seconds: docs/protocol.md, "Silence". One more for the processes. */
const NOTICED_WITHIN_S = 40 + 1;
/** From the way back to the message: the longest pause between two tries, and the time that a try takes. */
const ARRIVED_WITHIN_S = 60;
const PORT = 9400;

const why = await obstacleToTwoMachines();
if (why === undefined) process.exit((await measure()) ? 0 : 1); // at once: timers of what has long happened still run
console.log(`a half-open connection is not tried: ${why}`);

async function measure(): Promise<boolean> {
  await using machines = await TwoMachines.make();
  const start = async (machine: 0 | 1, name: string): Promise<[peer: JsonPeer, id: unknown]> => {
    const options = ["--json", "-n", name, "-p", String(PORT), "-r", "none", "--no-bots"];
    const peer = new JsonPeer(machines.run(machine, "peer.ts", ...options));
    const { id } = await peer.next(({ event }) => event === "ready");
    return [peer, id];
  };
  const [[ann, annId], [bob, bobId]] = await Promise.all([start(0, "ann"), start(1, "bob")]);
  ann.say({ do: "send", to: `${ADDRESSES[1]}:${PORT}`, text: "before" });
  await heard(bob, "before");
  const connections = await machines.connections(0);
  if (connections !== 1) throw new Error(`${connections} connections: there is to be one, or its end shows nothing`);

  await Promise.all([machines.lose(0, true), machines.lose(1, true)]);
  const lostAt = performance.now();
  bob.say({ do: "send", to: annId, text: "from bob, into the void" });
  ann.say({ do: "send", to: bobId, text: "from ann, into the void" });
  const noticed = await Promise.all(([0, 1] as const).map((machine) => secondsTo(isAlone(machines, machine), lostAt)));
  console.log(`every packet lost: noticed after ${list(noticed)} s (bound: ${NOTICED_WITHIN_S})`);

  await Promise.all([machines.lose(0, false), machines.lose(1, false)]);
  const backAt = performance.now();
  const arrived = await Promise.all([
    secondsTo(heard(ann, "from bob, into the void"), backAt),
    secondsTo(heard(bob, "from ann, into the void"), backAt),
  ]);
  const counts = [ann, bob].map(({ seen }) => seen.filter(({ event }) => event === "message").length);
  console.log(`the path is back: messages arrived after ${list(arrived)} s (bound: ${ARRIVED_WITHIN_S})`);
  const isOnce = counts[0] === 1 && counts[1] === 2;
  console.log(isOnce ? "each message arrived once" : `${counts.join(" and ")} messages were heard, not 1 and 2`);
  return isOnce && Math.max(...noticed) <= NOTICED_WITHIN_S && Math.max(...arrived) <= ARRIVED_WITHIN_S;
}

function heard(peer: JsonPeer, text: string): Promise<unknown> {
  return peer.next((event) => event.event === "message" && event["text"] === text);
}

/** Resolves when a machine has given its connections up. */
async function isAlone(machines: TwoMachines, machine: 0 | 1): Promise<void> {
  while ((await machines.connections(machine)) > 0) await Bun.sleep(200);
}

/** Infinite when it has not happened after two minutes. */
async function secondsTo(event: Promise<unknown>, since: number): Promise<number> {
  const hasHappened = await Promise.race([event.then(() => true), Bun.sleep(120_000).then(() => false)]);
  return hasHappened ? (performance.now() - since) / 1_000 : Infinity;
}

function list(seconds: readonly number[]): string {
  return seconds.map((one) => one.toFixed(1)).join(" and ");
}
