/** Replay: a bot is told again what it was told while it was recorded, and what it says now is held against what it said then. */
import { fileURLToPath } from "node:url";
import { WarrenError } from "../base/errors.ts";
import type { PeerInfo } from "../base/ids.ts";
import { createLog } from "../base/log.ts";
import { type BotConfig, givenInCode, parseConfig } from "../bot/config.ts";
import { attachPlugin } from "../bot/host.ts";
import type { Plugin } from "../bot/plugin.ts";
import { recordedPeer } from "../bot/recorded-peer.ts";
import type { Recorded, RecordedLine } from "../bot/recording.ts";
import { decodePeerId } from "../identity/peer-id.ts";
import { differences } from "./differences.ts";
import { ManualClock } from "./manual-clock.ts";
import { readRecording, type Recording, type StartLine } from "./read-recording.ts";
import { Script } from "./replayed-peer.ts";
import { type Life, Stage } from "./stage.ts";
import { simulatedTestNetwork } from "./test-network.ts";

/** What was due at the very end of the recording may be late by the fraction of a millisecond that clocks do not show. */
const SLACK_MS = 10;

export interface ReplayOptions {
  /** The bot's configuration. Default: the recorded one, in which secrets are `•••`. */
  config?: Readonly<Record<string, unknown>>;
}

/** What a bot said, each as `to ann: text` or `to ann in #room: text`, in order. */
export interface Replayed {
  readonly before: readonly string[];
  readonly now: readonly string[];
  /** `- ` and what was only said before, `+ ` and what is only said now. */
  readonly differences: readonly string[];
  /** What was logged as an error now. */
  readonly errors: readonly string[];
  /** What the recording lacks. */
  readonly notes: readonly string[];
}

/**
 * Runs the plugin through what `file` has recorded, at the recorded times by a clock that costs no time.
 *
 * @throws {WarrenError} `RECORDING_FAILED` with the number of the line, `CONFIG_INVALID`, `PLUGIN_LOAD_FAILED`
 */
export async function replay(file: string | URL, plugin: Plugin, { config }: ReplayOptions = {}): Promise<Replayed> {
  const path = file instanceof URL ? fileURLToPath(file) : file;
  const recording = await readRecording(path);
  const { name } = recording.start.bot;
  if (name !== plugin.name) {
    throw new WarrenError(
      "RECORDING_FAILED",
      `${path}:1: it is a recording of ${name}, and the plugin is ${plugin.name}`,
    );
  }
  const given = config && (await parseConfig(plugin, givenInCode(config)));
  await using run = new Run(recording, plugin, given);
  return await run.run();
}

class Run implements AsyncDisposable {
  readonly #recording: Recording;
  readonly #plugin: Plugin;
  readonly #config: BotConfig | undefined;
  readonly #stage: Stage;
  readonly #errors: string[] = [];
  readonly #people = new Map<string, Life>(); // by id
  readonly #now = new Map<string, Recorded & { t: "out" }>(); // what is said, by the ids of the messages
  #bot: Life | undefined;
  #script = new Script([]);
  #end = (): void => {}; // forgets the plugin that runs

  constructor(recording: Recording, plugin: Plugin, config: BotConfig | undefined) {
    this.#recording = recording;
    this.#plugin = plugin;
    this.#config = config;
    const network = simulatedTestNetwork(new ManualClock(recording.start.at), 0);
    const log = createLog("replay", (level, source, text) => {
      if (level === "error") this.#errors.push(`${source}: ${text}`);
    });
    this.#stage = new Stage({ seed: 1, network, log });
  }

  async run(): Promise<Replayed> {
    const { lines, notes } = this.#recording;
    for (const [index, line] of lines.entries()) {
      if (line.t === "start") await this.#start(line, this.#lifeFrom(index));
      if (line.t === "in") await this.#say(line);
      if (line.t !== "told") continue;
      await this.#goTo(line.at);
      this.#script.tell(line.event, line.peer);
      await this.#stage.quiet();
    }
    await this.#goTo((lines.at(-1)?.at ?? 0) + SLACK_MS);
    const before = lines.flatMap((line) => (line.t === "out" ? [wordsOf(line)] : []));
    const now = [...this.#now.values()].map((said) => wordsOf(said));
    return { before, now, differences: differences(before, now), errors: this.#errors, notes };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stage[Symbol.asyncDispose]();
  }

  /** What was recorded of the process that begins there. */
  #lifeFrom(index: number): readonly RecordedLine[] {
    const rest = this.#recording.lines.slice(index);
    const next = rest.findIndex((line, at) => at > 0 && line.t === "start");
    return next === -1 ? rest : rest.slice(0, next);
  }

  async #start(line: StartLine, life: readonly RecordedLine[]): Promise<void> {
    const { bot, config: recorded, registered } = line;
    const isFirst = this.#bot === undefined;
    if (this.#bot) {
      this.#end();
      const startAgain = this.#stage.kill(this.#bot);
      await this.#goTo(line.at);
      this.#bot = await startAgain();
    } else {
      this.#bot = await this.#open(bot);
      await this.#meetEverybody();
    }
    const { peer } = this.#bot;
    for (const one of life) {
      if (isFirst && one.t === "stored") await this.#stage.until(peer.table(one.table).set(one.key, one.value));
    }
    this.#script = new Script(life);
    const config = this.#config ?? { values: recorded, conceal: (text: string) => text };
    const write = (said: Recorded): void => {
      if (said.t === "out") this.#now.set(said.id, { ...said, text: config.conceal(said.text) });
    };
    const scripted = this.#script.around(peer, registered);
    const fetch = this.#script.fetch((text) => config.conceal(text));
    const watched = recordedPeer(scripted, { name: this.#plugin.name, config, isNew: false, write });
    const attached = await this.#stage.until(attachPlugin(this.#plugin, watched, { config, fetch }));
    this.#end = this.#stage.scope.defer(() => attached[Symbol.asyncDispose]());
    await this.#stage.quiet();
  }

  async #say(line: RecordedLine & { t: "in" }): Promise<void> {
    const { from, text, room, re, data, at } = line;
    await this.#goTo(at);
    const sender = this.#people.get(from.id)?.peer;
    const answered = re !== undefined && { re: this.#idNow(re) };
    const place = { ...(room !== undefined && { room }), ...answered, ...(data && { data }) };
    if (sender && this.#bot) await this.#stage.until(sender.send(this.#bot.peer.id, text, place));
    await this.#stage.quiet();
  }

  /** The id that a message of the bot has now: the one that it said to the same peer after as many others. */
  #idNow(id: string): string {
    const before = this.#recording.lines.filter((line) => line.t === "out");
    const said = before.find((line) => line.id === id);
    const isTo = (line: Recorded & { t: "out" }): boolean => line.to.id === said?.to.id;
    const index = before.filter(isTo).findIndex((line) => line.id === id);
    return [...this.#now.values()].filter(isTo)[index]?.id ?? id;
  }

  /** Whoever is named in the recording is there, so that names mean what they meant. */
  async #meetEverybody(): Promise<void> {
    for (const line of this.#recording.lines) {
      const info = line.t === "in" ? line.from : line.t === "out" ? line.to : line.t === "told" ? line.peer : undefined;
      if (!info || this.#people.has(info.id) || info.id === this.#recording.start.bot.id) continue;
      const life = await this.#open(info);
      life.peer.on("message", () => {});
      this.#people.set(info.id, life);
    }
  }

  async #open({ id, name, kind }: PeerInfo): Promise<Life> {
    return await this.#stage.until(this.#stage.open({ name, kind, key: decodePeerId(id) }));
  }

  async #goTo(at: number): Promise<void> {
    await this.#stage.clock.advance(Math.max(0, at - this.#stage.clock.now()));
    await this.#stage.quiet();
  }
}

function wordsOf({ to, text, room }: Recorded & { t: "out" }): string {
  return `to ${to.name}${room === undefined ? "" : ` in #${room}`}: ${text}`;
}
