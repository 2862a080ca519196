import { expect, test } from "bun:test";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Scope } from "../../src/base/scope.ts";
import { startRegistry } from "../../src/registry/server.ts";
import { openPeer, type OpenedPeer } from "../../src/warren.ts";
import { readLines } from "./lines.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const PROGRAM = join(ROOT, "src/cli/bots.ts");

/**
 * A handler, a job and a dialog. In the first life each stops in its middle, for ever; in a life that finds the file `gate`
 * it goes on. What each has drawn tells whether it was drawn again.
 */
const source = (gate: string): string => `import { existsSync } from "node:fs";
import { definePlugin, z } from ${JSON.stringify(join(ROOT, "src/index.ts"))};
const middle = () => existsSync(${JSON.stringify(gate)}) ? undefined : new Promise(() => {});
export default definePlugin({
  name: "baker",
  about: "bakes",
  setup(bot) {
    const count = bot.store("count");
    const draw = () => Math.random();

    bot.command("handle", {
      about: "in a handler",
      async run({ reply }) {
        await reply("drew " + await bot.effect("draw", draw));
        await count.update("handled", (n = 0) => n + 1);
        await middle();
        await reply("handled " + count.get("handled"));
      },
    });

    const baking = bot.job("baking", async ({ payload }) => {
      await bot.send(payload.to, "drew " + await bot.effect("draw", draw));
      await count.update("baked", (n = 0) => n + 1);
      await middle();
      await bot.send(payload.to, "baked " + count.get("baked"));
    }, { payload: z.object({ to: z.string() }) });
    bot.command("bake", { about: "in a job", run: ({ from }) => baking.in("1ms", { to: from.id }) });

    const order = bot.dialog("order", async (d) => {
      const pieces = await d.ask("pieces", "How many?", z.number());
      const drawn = await d.once("draw", draw);
      await d.say("drew " + drawn);
      await middle();
      const topping = await d.ask("topping", "Which topping?", z.string());
      await d.say(pieces + " with " + topping + ", drew " + drawn);
    });
    bot.command("order", { about: "in a dialog", run: ({ from }) => order.start(from) });
    bot.command("ping", { about: "comes last", run: ({ reply }) => reply("pong") });
  },
});
`;

test("bots that are killed in the middle of a handler, a job and a dialog go on with each, and say nothing twice", async () => {
  await using scope = new Scope();
  const folder = await mkdtemp(join(tmpdir(), "warren-bot-kill-"));
  scope.defer(() => rm(folder, { recursive: true }));
  const gate = join(folder, "gate");
  await writeFile(join(folder, "baker.ts"), source(gate));
  const registry = scope.use(await startRegistry({ folder: join(folder, "registry"), port: 0 }));
  const come = async (name: string): Promise<Guest> =>
    scope.use(await Guest.come(name, join(folder, name), registry.url));
  const [ann, ben, cid] = [await come("ann"), await come("ben"), await come("cid")];

  const first = scope.use(await Bots.start(folder, registry.url));
  await ann.says("handle", /^drew/);
  await ben.says("bake", /^drew/);
  await cid.says("order", /^How many\?$/);
  await cid.says("4", /^drew/);
  await first.kill();
  const before = [ann, ben, cid].map(({ heard }) => heard.at(-1) ?? "");

  await writeFile(gate, "");
  scope.use(await Bots.start(folder, registry.url));
  await ann.hears(/^handled/);
  await ben.hears(/^baked/);
  await cid.hears(/^Which topping/);
  await cid.says("ham", /^4 with/);
  // Whatever was said twice has come before this.
  for (const guest of [ann, ben, cid]) await guest.says("ping", /^pong$/);
  expect(ann.heard).toEqual([before[0] ?? "", "handled 1", "pong"]);
  expect(ben.heard).toEqual([before[1] ?? "", "baked 1", "pong"]);
  expect(cid.heard).toEqual(["How many?", before[2] ?? "", "Which topping?", `4 with ham, ${before[2]}`, "pong"]);
}, 60_000);

/** The bots' process. */
class Bots implements AsyncDisposable {
  readonly #child: Bun.Subprocess<"ignore", "ignore", "pipe">;

  /** Resolves when the bot is online. */
  static async start(folder: string, registry: string): Promise<Bots> {
    const bots = new Bots(folder, registry);
    await bots.#untilOnline();
    return bots;
  }

  private constructor(folder: string, registry: string) {
    const options = ["--home", join(folder, "home"), "--registry", registry, join(folder, "baker.ts")];
    this.#child = Bun.spawn([process.execPath, PROGRAM, ...options], {
      cwd: folder,
      stdin: "ignore",
      stdout: "ignore",
      stderr: "pipe",
    });
  }

  #untilOnline(): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    void (async () => {
      const lines: string[] = [];
      for await (const line of readLines(this.#child.stderr)) {
        lines.push(line);
        if (line.includes("baker is online")) resolve();
      }
      reject(new Error(`the bots ended: ${lines.join("\n")}`));
    })();
    return promise;
  }

  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }
}

/** Somebody who talks with the baker. */
class Guest implements AsyncDisposable {
  readonly heard: string[] = [];
  readonly #peer: OpenedPeer;
  #look = (): void => {};

  static async come(name: string, home: string, registry: string): Promise<Guest> {
    return new Guest(await openPeer({ name, home, host: "127.0.0.1", registry }));
  }

  private constructor(peer: OpenedPeer) {
    this.#peer = peer;
    peer.on("message", ({ text }) => {
      this.heard.push(text);
      this.#look();
    });
  }

  async says(text: string, answer: RegExp): Promise<void> {
    await this.#peer.send("baker", text);
    await this.hears(answer);
  }

  /** Resolves when that is the last that was heard. */
  hears(text: RegExp): Promise<void> {
    return new Promise((resolve) => {
      this.#look = () => void (text.test(this.heard.at(-1) ?? "") && resolve());
      this.#look();
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#peer.close();
  }
}
