/** A bot that holds all kinds of things is loaded again and again by the real supervisor; what is left behind is measured. */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createLog } from "../../src/base/log.ts";
import { systemWorld } from "../../src/base/world.ts";
import { Supervisor } from "../../src/bot/supervisor.ts";
import { workersOf } from "../../src/bot/worker-link.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** It holds a listener, an open socket, timers and a store, and cleans up nothing. */
const bot = (version: number): string => `import { definePlugin } from ${JSON.stringify(join(ROOT, "src/index.ts"))};
export default definePlugin({
  name: "hoarder",
  about: "keeps everything open (${version})",
  async setup(bot) {
    const listener = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
    await Bun.connect({ hostname: "127.0.0.1", port: listener.port, socket: { data() {} } });
    setInterval(() => {}, 10);
    setTimeout(() => {}, 3_600_000);
    bot.on("message", ({ reply }) => reply("${version}"));
    await bot.store("versions").set("last", ${version});
  },
});
`;

export interface Holding {
  /** Undefined where the system does not tell. */
  readonly handles: number | undefined;
  readonly rssBytes: number;
}

export class Reloading implements AsyncDisposable {
  readonly lines: string[] = [];
  readonly #folder = mkdtempSync(join(tmpdir(), "warren-reloads-"));
  readonly #file = join(this.#folder, "hoarder.ts");
  readonly #supervisor: Supervisor;
  #look = (): void => {};
  #version = 0;

  constructor() {
    this.save();
    const log = createLog("bots", (_, __, text) => {
      this.lines.push(text);
      this.#look();
    });
    this.#supervisor = new Supervisor(
      { home: join(this.#folder, "home"), registry: "none" },
      {
        files: () => [this.#file],
        isWatching: true,
        memoryBytes: Infinity,
        spawn: workersOf(new URL("../../src/cli/bot-worker.ts", import.meta.url)),
        world: systemWorld,
        log,
      },
    );
  }

  /** Saves another version, as it should be or with `more` before it. */
  save(more = ""): void {
    writeFileSync(this.#file, more + bot(++this.#version));
  }

  /** Resolves with the next line, all others before it being none that matters. */
  async next(pattern: RegExp): Promise<string> {
    for (;;) {
      const line = this.lines.shift();
      if (line === undefined) await new Promise<void>((resolve) => (this.#look = resolve));
      else if (pattern.test(line)) return line;
      else throw new Error(`expected ${pattern}, and was told: ${line}`);
    }
  }

  async reload(times: number): Promise<void> {
    for (let time = 0; time < times; time++) {
      this.save();
      await this.next(/^hoarder is reloaded/);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#supervisor[Symbol.asyncDispose]();
    rmSync(this.#folder, { recursive: true });
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
