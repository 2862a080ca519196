import { expect, test } from "bun:test";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { openPeer, type OpenedPeer } from "../../src/warren.ts";
import { TestHome } from "../cli/processes.ts";
import { readLines } from "./lines.ts";

/** What each does when it is told to begin. */
const BAD = {
  thrower: `bot.on("message", () => void setTimeout(() => { throw new Error("thrown"); }, 1));`,
  rejecter: `bot.on("message", () => void Promise.reject(new Error("rejected")));`,
  exiter: `bot.on("message", () => process.exit(7));`,
  looper: `bot.on("message", () => { for (;;); });`,
  glutton: `bot.on("message", () => { const all = []; for (;;) all.push(new Uint8Array(2 ** 18).fill(1)); });`,
  flooder: `bot.on("message", ({ text }) => {
    if (text !== "begin") return;
    setInterval(() => ["good", "ann", "bob"].map((name) => bot.send(name, "flood").catch(() => {})), 1);
  });`,
};
const GOOD = `bot.on("message", ({ text, reply }) => reply(text));`;

/** What is said of each, by the supervisor or by the one that it floods. */
const NAMED: Readonly<Record<string, RegExp>> = {
  thrower: /thrower crashed and is started again: thrown/,
  rejecter: /rejecter crashed and is started again: rejected/,
  exiter: /exiter crashed and is started again: it left with exit code 7/,
  looper: /looper crashed and is started again: .*(?:this one does not answer|it did not answer for 10 s)/,
  glutton: /glutton crashed and is started again: the bots use .*this one does not answer/,
  flooder: /good: flooder has been told 30 things within a minute/,
};

/** How long an answer may take. Alone it takes some milliseconds; the promise is a second, and a test's machine has more to do. */
const ANSWER_WITHIN_MS = 5_000;

test("bots that throw, reject, exit, loop, take all memory and flood at once hinder neither the others nor the chat", async () => {
  await using home = await TestHome.make();
  await mkdir(join(home.path, "bots"));
  const bots = { ...BAD, good: GOOD };
  for (const [name, setup] of Object.entries(bots)) await writeFile(botFile(home, name), source(name, setup));
  const ann = await home.peer("ann"); // a chat, with the registry and the bots
  const lines: string[] = []; // what it is told by the supervisor
  void (async () => {
    for await (const line of readLines(ann.child.stderr)) lines.push(line);
  })();
  await using bob = await Bob.open(home);
  for (const name of Object.keys(bots)) await bob.sees(name);

  for (const name of Object.keys(BAD)) await bob.peer.send(name, "begin");
  const isNamed = (name: string): boolean => lines.some((line) => NAMED[name]?.test(line));
  const answersMs: number[] = [];
  let whileItLoops = 0;
  while (!Object.keys(NAMED).every(isNamed)) {
    answersMs.push(await bob.ask("good"), await bob.tell("ann"));
    if (!isNamed("looper")) whileItLoops++;
  }
  expect(Math.max(...answersMs)).toBeLessThan(ANSWER_WITHIN_MS);
  expect(whileItLoops).toBeGreaterThan(1);
  expect(bob.floods).toBeGreaterThan(10);
  expect(lines.filter((line) => line.includes("good crashed"))).toEqual([]);
}, 60_000);

/** Somebody who asks, and measures how long the answer takes. */
class Bob implements AsyncDisposable {
  readonly peer: OpenedPeer;
  floods = 0; // messages that he has not asked for
  #question = 0;
  #answered = (): void => {};

  static async open(home: TestHome): Promise<Bob> {
    const place = { home: join(home.path, "bob"), host: "127.0.0.1", registry: home.registryUrl };
    return new Bob(await openPeer({ name: "bob", ...place }));
  }

  private constructor(peer: OpenedPeer) {
    this.peer = peer;
    peer.on("message", ({ text }) => {
      if (text === `question ${this.#question}`) this.#answered();
      else this.floods++;
    });
  }

  /** Resolves when the registry says that it is there. */
  async sees(name: string): Promise<void> {
    const came = Promise.withResolvers<void>();
    const end = this.peer.on("peer:online", (other) => other.name === name && came.resolve());
    const known = await this.peer.find({ name });
    if (!known.some(({ online }) => online)) await came.promise;
    end();
  }

  /** Resolves with the ms until the answer. */
  async ask(name: string): Promise<number> {
    const startedAt = performance.now();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#answered = resolve;
    await this.peer.send(name, `question ${++this.#question}`);
    await promise;
    return performance.now() - startedAt;
  }

  /** Resolves with the ms until it was shown over there. */
  async tell(name: string): Promise<number> {
    const startedAt = performance.now();
    const { handled } = await this.peer.send(name, "still there?");
    await handled;
    return performance.now() - startedAt;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.peer.close();
  }
}

function botFile(home: TestHome, name: string): string {
  return join(home.path, "bots", `${name}.ts`);
}

function source(name: string, setup: string): string {
  return `import { definePlugin } from ${JSON.stringify(join(import.meta.dir, "../../src/index.ts"))};
    export default definePlugin({ name: "${name}", about: "is ${name}", setup(bot) { ${setup} } });`;
}
