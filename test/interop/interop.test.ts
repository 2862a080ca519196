import { expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Sent } from "../../src/peer/message.ts";
import { openPeer } from "../../src/warren.ts";
import { Cable, PythonPeer } from "./python-peer.ts";

const missing = ["python3", "openssl"].filter((program) => Bun.which(program) === null);
if (missing.length > 0) console.log(`the peer in Python is not tested here: ${missing.join(" and ")} not found`);

const ROUNDS = 6;
const BURST = 5; // messages in each round and direction

/** A peer of ours and one in Python, whose id is lower (then it decides which connection counts) or higher. */
async function openPair(decides: boolean) {
  const scope = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "warren-interop-"));
  scope.defer(() => rm(folder, { recursive: true }));
  const ann = scope.use(await openPeer({ name: "ann", home: folder, host: "127.0.0.1", registry: "none" }));
  const toAnn = scope.use(await Cable.lay());
  const toPython = scope.use(await Cable.lay());
  toAnn.target = ann.port;
  for (let n = 0; ; n++) {
    const python = new PythonPeer(join(folder, `python-${n}`), toPython.port);
    const { id, port } = await python.start();
    toPython.target = port;
    if (id < ann.id === decides) {
      scope.use(python);
      const dispose = (): Promise<void> => scope.disposeAsync();
      return { ann, python, id, toAnn, toPython, [Symbol.asyncDispose]: dispose };
    }
    await python.kill();
  }
}

/** Everything that one of the two has said. */
function all(name: string): string[] {
  return Array.from({ length: ROUNDS * BURST }, (_, n) => `${name} ${Math.floor(n / BURST)}.${n % BURST}`);
}

/** The second half comes when the first one has been read. */
async function* whileRead(isRead: Promise<unknown>, first: string, second: string): AsyncGenerator<string> {
  yield first;
  await isRead;
  yield second;
}

test.concurrent.skipIf(missing.length > 0).each([
  ["decides which connection counts", true],
  ["follows the choice", false],
])(
  "a peer in Python that %s loses and doubles nothing, through cuts on both ways and its own death",
  async (_manner, decides) => {
    await using pair = await openPair(decides);
    const { ann, python, id, toAnn, toPython } = pair;
    const heard: string[] = [];
    const lost: string[] = [];
    ann.on("message", ({ text }) => void heard.push(text));
    ann.on("notice", ({ code }) => void (code === "MESSAGES_LOST" && lost.push(code)));
    const up = python.next("up");
    python.say(`dial 127.0.0.1:${toAnn.port}`);
    expect((await up)["decides"]).toBe(decides);
    const sent: Sent[] = [];
    const said: string[] = [];
    const cuts = { toAnn: 0, toPython: 0 };
    for (let round = 0; round < ROUNDS; round++) {
      // In turns only the one and only the other finds the way; then both at the same moment.
      toAnn.isDown = round % 3 === 1;
      toPython.isDown = round % 3 === 0;
      const back = python.next("up");
      cuts.toAnn += toAnn.cut();
      cuts.toPython += toPython.cut();
      const queued = python.next("queued", () => ++said.length % BURST === 0);
      for (let n = 0; n < BURST; n++) {
        python.say(`send python ${round}.${n}`);
        sent.push(await ann.send(id, `ann ${round}.${n}`, { data: { n } }));
      }
      await Promise.all([back, queued]);
      if (round % 3 !== 2) continue; // what is under way is cut with the next round
      await python.kill();
      const again = python.next("up");
      toPython.target = (await python.start()).port;
      toAnn.isDown = toPython.isDown = false;
      await again;
    }
    expect((await Promise.all(sent.map(({ handled }) => handled))).every(({ state }) => state === "handled")).toBe(
      true,
    );
    const settled = new Set<unknown>();
    let last: unknown;
    const isOver = python.next("settled", ({ id: one }) => settled.add(one).has(last));
    const answered = python.next("message", ({ text }) => text === "and out");
    ann.on(
      "message",
      (message) => message.text === "over" && message.reply(whileRead(python.next("draft"), "and ", "out")),
    );
    last = (await python.ask("send over", "queued"))["id"];
    if (!settled.has(last)) await isOver;
    await answered;
    expect(heard).toEqual([...all("python"), "over"]);
    expect(await python.ask("inbox", "inbox")).toMatchObject({ texts: [...all("ann"), "and out"], unsettled: 0 });
    expect(lost).toEqual([]);
    expect(Math.min(cuts.toAnn, cuts.toPython)).toBeGreaterThan(1); // both have dialled
  },
  60_000, // most of it openssl and Python, which take their time to start on a busy machine
);
