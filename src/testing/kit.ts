/** Test kit: bots and the people who talk to them, as real peers in one process. */
import { createLog } from "../base/log.ts";
import { WarrenError } from "../base/errors.ts";
import type { PeerId } from "../base/ids.ts";
import { type BotConfig, givenInCode, parseConfig } from "../bot/config.ts";
import { attachPlugin, type AttachedPlugin } from "../bot/host.ts";
import type { Plugin } from "../bot/plugin.ts";
import { type AnyResult, call, type CallOptions, type ResultOf, type ResultSchema } from "../bot/typed-call.ts";
import type { Receipt } from "../peer/message.ts";
import type { Peer } from "../peer/peer.ts";
import { failNextCommit } from "./failing-commit.ts";
import { type HttpAnswers, TestHttp } from "./http.ts";
import { LeakWatch } from "./leaks.ts";
import { LoopbackNetwork } from "./loopback-network.ts";
import { ManualClock } from "./manual-clock.ts";
import { type Life, Stage } from "./stage.ts";
import { simulatedTestNetwork, TEST_NETWORKS, type TestNetwork, type TestNetworkName } from "./test-network.ts";

export interface TestWarrenOptions {
  plugins: readonly Plugin[];
  /** The configuration of each bot that takes one, by its name; checked as at home. */
  config?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /** What `bot.fetch` is answered, also while the bots are set up; see `TestWarren.http`. */
  http?: HttpAnswers;
  /** Everything that is left to chance follows from it. */
  seed?: number;
  /**
   * `simulated`: queues in this process. `loopback`: real TLS connections on 127.0.0.1, with keys and databases in a
   * temporary folder. Default: simulated.
   */
  network?: TestNetworkName;
}

/** Brings every plugin online as a bot. Dispose the result: `await using warren = …`. */
export async function createTestWarren(options: TestWarrenOptions): Promise<TestWarren> {
  const { plugins, config = {}, http = {}, seed = 1, network = "simulated" } = options;
  const stray = Object.keys(config).find((name) => !plugins.some((plugin) => plugin.name === name));
  if (stray !== undefined) throw new WarrenError("USAGE", `config.${stray}: none of the plugins has that name`);
  const warren = new TestWarren(seed, openNetwork(network));
  try {
    for (const [what, answer] of Object.entries(http)) warren.http.on(what, answer);
    for (const plugin of plugins) await warren.addBot(plugin, config[plugin.name]);
  } catch (error) {
    await warren[Symbol.asyncDispose]();
    throw error;
  }
  return warren;
}

function openNetwork(name: TestNetworkName): TestNetwork {
  if (!TEST_NETWORKS.includes(name)) {
    throw new WarrenError("USAGE", `network: there is none called "${name}": it is ${TEST_NETWORKS.join(" or ")}`);
  }
  return name === "loopback" ? new LoopbackNetwork() : simulatedTestNetwork(new ManualClock());
}

interface TestBot {
  plugin: Plugin;
  /** Its configuration, as the test gives it. */
  given: Readonly<Record<string, unknown>>;
  life: Life;
  attached: AttachedPlugin;
  /** Takes the plugin off the list of what is closed at the end. */
  forget(): void;
}

export class TestWarren implements AsyncDisposable {
  /** Stands still but for `advance(ms)`, and for the moments that a message needs on its way. */
  readonly clock: ManualClock;
  /** What was logged as an error, as `bot: text`. */
  readonly errors: string[] = [];
  /** What bots ask of the network, and what they are answered. */
  readonly http = new TestHttp((bot, text) => void this.errors.push(`${bot}: ${text}`));
  readonly #stage: Stage;
  readonly #people = new Map<string, TestPerson>();
  readonly #bots = new Map<string, TestBot>();
  readonly #ended: string[] = [];
  readonly #watch: LeakWatch;

  constructor(seed: number, network: TestNetwork) {
    const log = createLog("warren", (level, source, text) => {
      if (level === "error") this.errors.push(`${source}: ${text}`);
    });
    this.clock = network.clock;
    this.#stage = new Stage({ seed, network, log });
    this.#watch = this.#stage.scope.use(new LeakWatch());
  }

  /** Somebody to talk to the bots; the same one each time for the same name. */
  person(name: string): TestPerson {
    const known = this.#people.get(name);
    const person =
      known ??
      new TestPerson(
        this.#stage.open({ name, kind: "person" }).then(({ peer }) => peer),
        this,
      );
    this.#people.set(name, person);
    return person;
  }

  async addBot(plugin: Plugin, given: Readonly<Record<string, unknown>> = {}): Promise<void> {
    const config = await parseConfig(plugin, givenInCode(given));
    const life = await this.until(this.#stage.open({ name: plugin.name, kind: "bot" }));
    this.#bots.set(plugin.name, { plugin, given, life, ...(await this.#attach(plugin, life, config)) });
    await this.quiet();
  }

  /** Kills a bot's process where it stands, and starts it again on what it had on disk. */
  async restart(name: string): Promise<void> {
    const bot = this.#bot(name);
    bot.forget();
    this.#watch.forget(name);
    bot.life = await this.#stage.kill(bot.life)();
    const config = await parseConfig(bot.plugin, givenInCode(bot.given));
    Object.assign(bot, await this.#attach(bot.plugin, bot.life, config));
    await this.quiet();
  }

  /** Ends a bot's plugin in order, and runs another one in its place, as an edit of its file does. */
  async reload(name: string, plugin: Plugin): Promise<void> {
    const bot = this.#bot(name);
    bot.forget();
    await this.until(Promise.resolve(bot.attached[Symbol.asyncDispose]()));
    const config = await parseConfig(plugin, givenInCode(bot.given));
    Object.assign(bot, { plugin }, await this.#attach(plugin, bot.life, config));
    await this.quiet();
  }

  /** Makes a bot's next commit fail, as a full disk does. */
  failNextCommit(name: string): void {
    failNextCommit(this.#bot(name).life.store.db);
  }

  #bot(name: string): TestBot {
    const bot = this.#bots.get(name);
    if (!bot) throw new Error(`no bot of this test is called ${name}`);
    return bot;
  }

  async #attach(
    plugin: Plugin,
    { peer, clock }: Life,
    config: BotConfig,
  ): Promise<Pick<TestBot, "attached" | "forget">> {
    // Dice of its own: what else is left to chance in a peer does not change what they show.
    const random = this.#stage.random(`plugin ${plugin.name}`);
    const fetch = this.http.networkOf(plugin.name, clock);
    const watched = this.#watch.around(plugin.name, peer);
    const attaching = this.#watch.within(plugin.name, () =>
      attachPlugin(this.#watch.of(plugin), watched, { random, config, fetch }),
    );
    const attached = await this.until(attaching);
    return { attached, forget: this.#stage.scope.defer(() => attached[Symbol.asyncDispose]()) };
  }

  /** Ends a bot, as its process would, and leaves its peer; see `leaks`. */
  async end(name: string): Promise<void> {
    const bot = this.#bot(name);
    this.#bots.delete(name);
    this.#ended.push(name);
    bot.forget();
    await this.until(Promise.resolve(bot.attached[Symbol.asyncDispose]()));
  }

  /**
   * What the bots that were ended have left running, each as `dice: setInterval at bots/dice.ts:12:5`: timers, servers,
   * listeners, processes, handlers that still run. docs/bots.md says what cannot be seen.
   */
  async leaks(): Promise<string[]> {
    await this.quiet();
    return this.#ended.flatMap((name) => this.#watch.leaks(name).map((what) => `${name}: ${what}`));
  }

  /** Waits for a promise, turning the clock from one thing that is due to the next as long as it takes. */
  until<Result>(promise: Promise<Result>): Promise<Result> {
    return this.#stage.until(promise);
  }

  /** Resolves when nothing is on its way and nobody is at work, but for those who wait for a later time. */
  quiet(): Promise<void> {
    return this.#stage.quiet();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stage[Symbol.asyncDispose]();
  }
}

/** A person who says things and hears what is said to them. */
export class TestPerson {
  /** The texts of the messages that came, in their order. */
  readonly heard: readonly string[];
  /** How the texts grew that came in pieces: each as far as it had come, every time that there was more; "" if it was given up. */
  readonly drafts: readonly string[];
  readonly #peer: Promise<Peer>;
  readonly #warren: TestWarren;
  #opened: Promise<Peer> | undefined; // waited for with the clock being turned

  constructor(peer: Promise<Peer>, warren: TestWarren) {
    const heard: string[] = [];
    const drafts: string[] = [];
    this.heard = heard;
    this.drafts = drafts;
    this.#warren = warren;
    this.#peer = peer.then((opened) => {
      opened.on("message", ({ text }) => void heard.push(text));
      opened.on("draft", ({ text }) => void drafts.push(text));
      return opened;
    });
  }

  /** Her peer id, for a bot that is told whom to let: `warren.addBot(plugin, { allow: [await ann.id()] })`. */
  async id(): Promise<PeerId> {
    return (await this.#ready()).info.id;
  }

  /** Resolves when the message, and everything that it caused, is handled; with what became of it. */
  async says(text: string, { to }: { to: string }): Promise<Receipt> {
    const peer = await this.#ready();
    const sent = await this.#warren.until(peer.send(to, text));
    const receipt = await this.#warren.until(sent.handled);
    await this.#warren.quiet();
    return receipt;
  }

  /** Calls a bot as a program does, and resolves with the result when everything is handled. Rejects like `call`. */
  async calls<Result extends ResultSchema = AnyResult>(
    to: string,
    command: string,
    args: Readonly<Record<string, unknown>> = {},
    options: CallOptions<Result> = {},
  ): Promise<ResultOf<Result>> {
    const peer = await this.#ready();
    const result = await this.#warren.until(call(peer, to, command, args, options));
    await this.#warren.quiet();
    return result;
  }

  /**
   * The same promise for all: what is said before it resolves is said in the order of the calls. Not to be waited for within
   * another `until`: two of them would turn the clock.
   */
  #ready(): Promise<Peer> {
    return (this.#opened ??= this.#warren.until(this.#peer));
  }
}
