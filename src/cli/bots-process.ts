/** The bots of this peer: a process of their own, so that no bot can take the chat down. */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { backoffMs, type Timer, type World } from "../base/world.ts";
import { inputLines } from "./input-lines.ts";

/** Whose bots run where no files are named. */
export const BOTS_FOLDER = "bots";

const PROGRAM = fileURLToPath(new URL("bots.ts", import.meta.url));
const MAX_LINE_BYTES = 8_192;
const GOODBYE_MS = 6_000; // its bots may finish what they are doing for 5 s
const STABLE_MS = 60_000; // whoever ran that long begins with short waits again

export interface BotsOptions {
  /** None means those of `./bots`. */
  files: readonly string[];
  home: string;
  registry: string;
  acceptNewRegistry: boolean;
  registryCa: string | undefined;
  invite: string | undefined;
  /** What the command line configures, each as `<name>.<key>=<value>`. */
  set: readonly string[];
  /** The folder in which it is recorded what happens to the bots. */
  record: string | undefined;
  /** Whether bots are loaded again when their files change. */
  isWatching: boolean;
  world: World;
  /** Whether its lines are about everything, or only about what is wrong. */
  isDebugging: boolean;
  /** What the bots' process has to say, a line at a time. */
  onLine: (line: string) => void;
}

/** Whether there is a `./bots`. Without one the process of its bots would look, find nothing and end. */
export function hasBotsFolder(): boolean {
  return existsSync(BOTS_FOLDER);
}

export class BotsProcess implements AsyncDisposable {
  readonly #options: BotsOptions;
  #child: Bun.Subprocess<"pipe", "pipe", "pipe"> | undefined;
  #nextStart: Timer | undefined;
  #failures = 0;
  #isRestarting = false; // the child is told to end, and another one follows
  #isClosed = false;

  constructor(options: BotsOptions) {
    this.#options = options;
    this.#start();
  }

  /** Begins anew: a bot whose name was online elsewhere may be wanted here now. */
  restart(): void {
    this.#nextStart?.[Symbol.dispose]();
    if (!this.#child) return this.#start();
    this.#isRestarting = true;
    void this.#child.stdin.end();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    this.#nextStart?.[Symbol.dispose]();
    const child = this.#child;
    if (!child) return;
    const impatience = this.#options.world.clock.after(GOODBYE_MS, () => child.kill("SIGKILL"));
    await child.stdin.end();
    await child.exited;
    impatience[Symbol.dispose]();
  }

  #start(): void {
    const { files, home, registry, acceptNewRegistry, isWatching, set, record, world, isDebugging } = this.#options;
    const { registryCa, invite } = this.#options;
    const startedAt = world.clock.steady();
    this.#isRestarting = false;
    // Its standard input is a pipe that nobody writes to: it ends when this process does, however that happens.
    const flags = ["--child", isDebugging ? "--debug" : "--quiet", "--home", home, "--registry", registry];
    if (acceptNewRegistry) flags.push("--accept-new-registry");
    if (registryCa !== undefined) flags.push("--registry-ca", registryCa);
    flags.push(...set.flatMap((one) => ["--set", one]));
    if (record !== undefined) flags.push("--record", record);
    if (!isWatching) flags.push("--no-watch");
    const child = Bun.spawn([process.execPath, PROGRAM, ...files, ...flags], {
      stdin: "pipe",
      stdout: "pipe",
      stderr: "pipe",
      ...(invite !== undefined && { env: { ...process.env, WARREN_INVITE: invite } }), // flags are for all to see
      onExit: (_, code) => {
        this.#child = undefined;
        if (this.#isClosed) return;
        if (this.#isRestarting) return this.#start();
        if (code === 0) return; // there was nothing to run
        if (world.clock.steady() - startedAt > STABLE_MS) this.#failures = 0;
        const delayMs = 1_000 + backoffMs(this.#failures++, () => world.random());
        this.#nextStart = world.clock.after(delayMs, () => this.#start());
      },
    });
    this.#child = child;
    void this.#relay(child.stdout);
    void this.#relay(child.stderr);
  }

  async #relay(output: ReadableStream<Uint8Array>): Promise<void> {
    for await (const line of inputLines(output, MAX_LINE_BYTES)) {
      if (line !== null) this.#options.onLine(line);
    }
  }
}
