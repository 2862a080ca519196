/** A bot that holds all kinds of things is loaded again and again by the real supervisor; what is left behind is measured. */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createLog } from "../../src/base/log.ts";
import { Scope } from "../../src/base/scope.ts";
import { systemWorld } from "../../src/base/world.ts";
import { Supervisor } from "../../src/bot/supervisor.ts";
import { workersOf } from "../../src/bot/worker-link.ts";
import { openPeer } from "../../src/warren.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** It holds all that a bot can hold, and cleans up nothing. */
const bot = (version: number, folder: string): string => `import { Database } from "bun:sqlite";
import { definePlugin, z } from ${JSON.stringify(join(ROOT, "src/index.ts"))};
export default definePlugin({
  name: "hoarder",
  about: "keeps everything open (${version})",
  async setup(bot) {
    const listener = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
    await Bun.connect({ hostname: "127.0.0.1", port: listener.port, socket: { data() {} } });
    new Database(${JSON.stringify(join(folder, "things.db"))}).run("CREATE TABLE IF NOT EXISTS things (name TEXT)");
    setInterval(() => {}, 10);
    setTimeout(() => {}, 3_600_000);
    const versions = bot.store("versions");
    await versions.set("last", ${version});

    const order = bot.dialog("order", async (d) => {
      const pieces = await d.ask("pieces", "How many?", z.number(), { timeout: "1d" });
      await d.say(pieces + ", says version ${version}");
    });
    const later = bot.job("later", () => {});
    bot.every("1s", ({ due }) => versions.set("due", due));
    bot.command("order", {
      about: "begins what goes on through all reloads",
      async run({ from }) {
        await later.in("1d");
        await order.start(from);
      },
    });
    bot.on("message", ({ reply }) => reply("version ${version}"));
  },
});
`;

export interface Holding {
  /** Undefined where the system does not tell. */
  readonly handles: number | undefined;
  readonly rssBytes: number;
}

/** What one is told, line by line. */
class Told {
  readonly lines: string[] = [];
  #look = (): void => {};

  push(line: string): void {
    this.lines.push(line);
    this.#look();
  }

  /** Resolves with the next line, which must be like that. */
  async next(pattern: RegExp): Promise<string> {
    for (;;) {
      const line = this.lines.shift();
      if (line === undefined) await new Promise<void>((resolve) => (this.#look = resolve));
      else if (pattern.test(line)) return line;
      else throw new Error(`expected ${pattern}, and was told: ${line}`);
    }
  }
}

export class Reloading implements AsyncDisposable {
  /** By the supervisor. */
  readonly told = new Told();
  readonly #heard = new Told(); // by a person who is in the middle of a dialog with the bot
  readonly #folder = mkdtempSync(join(tmpdir(), "warren-reloads-"));
  readonly #file = join(this.#folder, "hoarder.ts");
  readonly #scope = new Scope();
  #say: (text: string) => Promise<unknown> = () => Promise.resolve(); // to the bot
  #version = 0;

  constructor() {
    this.save();
    this.#scope.defer(() => rmSync(this.#folder, { recursive: true }));
    this.#scope.use(
      new Supervisor(
        { home: join(this.#folder, "home"), registry: "none" },
        {
          files: () => [this.#file],
          isWatching: true,
          memoryBytes: Infinity,
          spawn: workersOf(new URL("../../src/cli/bot-worker.ts", import.meta.url)),
          world: systemWorld,
          log: createLog("bots", (_, __, text) => this.told.push(text)),
        },
      ),
    );
  }

  /** Waits for the bot, and begins a dialog and a job that go on through all that follows. */
  async begin(): Promise<void> {
    const port = /\d+$/.exec(await this.told.next(/^hoarder is online on port \d+$/))?.[0];
    const home = join(this.#folder, "person");
    const ann = this.#scope.use(await openPeer({ name: "ann", home, host: "127.0.0.1", registry: "none" }));
    ann.on("message", ({ text }) => this.#heard.push(text));
    const { to } = await ann.send(`127.0.0.1:${port}`, "order");
    this.#say = (text) => ann.send(to.id, text);
    await this.#heard.next(/^How many/);
  }

  /** Ends the dialog: the newest code goes on with what an older one began. */
  async finish(): Promise<void> {
    await this.#say("4");
    await this.#heard.next(new RegExp(`^4, says version ${this.#version}$`));
  }

  /** Saves another version, as it should be or with `more` before it. */
  save(more = ""): void {
    writeFileSync(this.#file, more + bot(++this.#version, this.#folder));
  }

  async reload(times: number): Promise<void> {
    for (let time = 0; time < times; time++) {
      this.save();
      await this.told.next(/^hoarder is reloaded/);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#scope.close();
  }
}

export function holding(): Holding {
  Bun.gc(true);
  return { handles: countHandles(), rssBytes: process.memoryUsage.rss() };
}

function countHandles(): number | undefined {
  try {
    return readdirSync("/proc/self/fd").length;
  } catch {
    return undefined; // not on this system
  }
}
