import { expect, test } from "bun:test";
import { fileURLToPath } from "node:url";
import type { CrowdCommand, CrowdEvent } from "./crowd-program.ts";
import { readLines } from "./lines.ts";

const PROGRAM = fileURLToPath(new URL("crowd-program.ts", import.meta.url));

/** A process full of peers. */
class Crowd implements AsyncDisposable {
  readonly #child: Bun.Subprocess<"pipe", "pipe", "inherit">;
  readonly #events: AsyncGenerator<string>;

  constructor(size: number) {
    const command = [process.execPath, PROGRAM, String(size)];
    this.#child = Bun.spawn(command, { stdin: "pipe", stdout: "pipe", stderr: "inherit" });
    this.#events = readLines(this.#child.stdout);
  }

  say(command: CrowdCommand): void {
    void this.#child.stdin.write(`${JSON.stringify(command)}\n`);
    void this.#child.stdin.flush();
  }

  async next<Name extends CrowdEvent["event"]>(name: Name): Promise<Extract<CrowdEvent, { event: Name }>> {
    const { value } = await this.#events.next();
    const event = JSON.parse(String(value)) as CrowdEvent;
    const isIt = (one: CrowdEvent): one is Extract<CrowdEvent, { event: Name }> => one.event === name;
    if (isIt(event)) return event;
    throw new Error(`${name} was expected, ${event.event} came`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.exited;
  }
}

test("peers of two processes dial each other at the same moment, 500 times: one connection, nothing lost or doubled", async () => {
  // Nobody is let in more than 30 times in a row: many pairs meet, each of them a few times.
  const [pairs, rounds] = [25, 20];
  await using ann = new Crowd(pairs);
  await using bob = new Crowd(pairs);
  const both = [ann, bob];
  const [annReady, bobReady] = [await ann.next("ready"), await bob.next("ready")];
  bob.say({ do: "partner", ids: annReady.places.map(({ id }) => id) });
  ann.say({ do: "meet", partners: bobReady.places });
  await ann.next("met");
  const texts = Array.from({ length: rounds }, (_, i) => `round ${i + 1}`);
  let dials = 0;
  for (const [round, text] of texts.entries()) {
    // One side cuts, the other one notices at once; if both did, they would cut each other's new connections.
    for (const [i, crowd] of both.entries()) crowd.say({ do: "round", text, cuts: round % 2 === i });
    for (const crowd of both) await crowd.next("done");
    let links: number[];
    do {
      for (const crowd of both) crowd.say({ do: "report" });
      const reports = [await ann.next("report"), await bob.next("report")];
      dials = reports.reduce((sum, report) => sum + report.dials, 0);
      links = reports.flatMap((report) => report.links);
      for (const heard of reports.flatMap((report) => report.heard)) expect(heard).toEqual(texts.slice(0, round + 1));
    } while (Math.max(...links) > 1); // the end of one that was too many is on its way
    expect(new Set(links)).toEqual(new Set([1]));
  }
  expect(dials).toBeGreaterThan(1.1 * pairs * rounds); // or else it was not at the same moment
}, 60_000);
