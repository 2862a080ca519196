/** Test kit: bots and the people who talk to them, as real peers on a simulated network or on real connections, in one process. */
import { createLog, type Log } from "../base/log.ts";
import { WarrenError } from "../base/errors.ts";
import type { PeerInfo, PeerKind } from "../base/ids.ts";
import { Scope } from "../base/scope.ts";
import type { World } from "../base/world.ts";
import { type BotConfig, givenInCode, parseConfig } from "../bot/config.ts";
import { attachPlugin, type AttachedPlugin } from "../bot/host.ts";
import type { Plugin } from "../bot/plugin.ts";
import type { Receipt } from "../peer/message.ts";
import { Peer } from "../peer/peer.ts";
import { openStore, type Store } from "../store/store.ts";
import { failNextCommit } from "./failing-commit.ts";
import { type HttpAnswers, TestHttp } from "./http.ts";
import { LeakWatch } from "./leaks.ts";
import { LifeClock } from "./life-clock.ts";
import { LoopbackNetwork } from "./loopback-network.ts";
import { ManualClock } from "./manual-clock.ts";
import { seededRandom, seededToken } from "./random.ts";
import { SharedDirectory } from "./shared-directory.ts";
import { simulatedTestNetwork, TEST_NETWORKS, type TestNetwork, type TestNetworkName } from "./test-network.ts";

/** How far the clock may be turned while something is waited for: enough for every retry of a handler that fails. */
const PATIENCE_MS = 30_000;

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

/** One run of a peer's process. */
interface Life {
  readonly peer: Peer;
  readonly store: Store;
  readonly clock: LifeClock;
  /** Takes it off the list of what is closed at the end. */
  forget(): void;
}

interface TestBot {
  plugin: Plugin;
  /** Its configuration, as the test gives it. */
  given: Readonly<Record<string, unknown>>;
  life: Life;
  attached: AttachedPlugin;
  /** Takes the plugin off the list of what is closed at the end. */
  forget(): void;
  lives: number;
}

export class TestWarren implements AsyncDisposable {
  /** Stands still but for `advance(ms)`, and for the moments that a message needs on its way. */
  readonly clock: ManualClock;
  /** What was logged as an error, as `bot: text`. */
  readonly errors: string[] = [];
  /** What bots ask of the network, and what they are answered. */
  readonly http = new TestHttp((bot, text) => this.#log.named(bot).error(text));
  readonly #seed: number;
  readonly #network: TestNetwork;
  readonly #directory = new SharedDirectory();
  readonly #people = new Map<string, TestPerson>();
  readonly #bots = new Map<string, TestBot>();
  readonly #ended: string[] = [];
  readonly #scope = new Scope();
  readonly #watch = this.#scope.use(new LeakWatch());
  readonly #log: Log = createLog("warren", (level, source, text) => {
    if (level === "error") this.errors.push(`${source}: ${text}`);
  });

  constructor(seed: number, network: TestNetwork) {
    this.#seed = seed;
    this.#network = network;
    this.clock = network.clock;
    this.#scope.use(network);
  }

  /** Somebody to talk to the bots; the same one each time for the same name. */
  person(name: string): TestPerson {
    const known = this.#people.get(name);
    const person =
      known ??
      new TestPerson(
        this.#open(name, "person").then(({ peer }) => peer),
        this,
      );
    this.#people.set(name, person);
    return person;
  }

  async addBot(plugin: Plugin, given: Readonly<Record<string, unknown>> = {}): Promise<void> {
    const config = await parseConfig(plugin, givenInCode(given));
    const life = await this.until(this.#open(plugin.name, "bot"));
    this.#bots.set(plugin.name, { plugin, given, life, lives: 1, ...(await this.#attach(plugin, life, config)) });
    await this.quiet();
  }

  /** Kills a bot's process where it stands, and starts it again on what it had on disk. */
  async restart(name: string): Promise<void> {
    const bot = this.#bot(name);
    const { peer, store, clock } = bot.life;
    bot.forget();
    bot.life.forget();
    this.#watch.forget(name);
    clock.kill();
    this.#network.vanish(peer.id);
    store.db.giveUp();
    const disk = store.db.serialize();
    this.#scope.use(store.db); // what is left of the process may still look there
    const next = { disk, port: peer.port, life: ++bot.lives };
    bot.life = await this.until(this.#open(name, "bot", next));
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
    const random = this.#random(`plugin ${plugin.name}`);
    const fetch = this.http.networkOf(plugin.name, clock);
    const watched = this.#watch.around(plugin.name, peer);
    const attaching = this.#watch.within(plugin.name, () => attachPlugin(plugin, watched, { random, config, fetch }));
    const attached = await this.until(attaching);
    return { attached, forget: this.#scope.defer(() => attached[Symbol.asyncDispose]()) };
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
  async until<Result>(promise: Promise<Result>): Promise<Result> {
    const wait = { isOver: false };
    const end = (): void => void (wait.isOver = true);
    promise.then(end, end);
    await this.#turnClock(() => wait.isOver);
    return await promise;
  }

  /** Resolves when nothing is on its way and nobody is at work, but for those who wait for a later time. */
  async quiet(): Promise<void> {
    await this.#turnClock(() => this.#network.inFlight === 0 && this.clock.untilNext !== 0);
  }

  async #turnClock(isEnough: () => boolean): Promise<void> {
    const end = this.clock.steady() + PATIENCE_MS;
    await this.clock.settle();
    while (!isEnough()) {
      const ms = this.clock.untilNext;
      if (ms === undefined || this.clock.steady() + ms > end) {
        throw new Error(`the test still waits after ${PATIENCE_MS / 1_000} s on its clock`);
      }
      await this.clock.advance(ms);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.until(this.#scope.close());
  }

  async #open(
    name: string,
    kind: PeerKind,
    { disk, port, life }: { disk?: Uint8Array; port: number; life: number } = { port: 0, life: 1 },
  ): Promise<Life> {
    const keyRandom = this.#random(`peer ${name}`);
    const key = Uint8Array.from({ length: 32 }, () => Math.floor(keyRandom() * 256));
    const { id, host, transport, store: place } = await this.#network.join({ name, kind, key, disk });
    // A process that comes back must not give the ids that the one before has given.
    const random = life === 1 ? keyRandom : this.#random(`peer ${name} ${life}`);
    const info: PeerInfo = { id, name, kind };
    const clock = new LifeClock(this.clock);
    const world: World = { clock, random, token: seededToken(random) };
    const store = openStore(place, clock);
    const peer = await Peer.open({ info, store, transport, world, log: this.#log.named(name), host, port });
    const forget = this.#scope.defer(() => peer.close());
    await peer.setDirectory(this.#directory.join());
    return { peer, store, clock, forget };
  }

  #random(purpose: string): () => number {
    return seededRandom(Bun.hash.crc32(`${this.#seed} ${purpose}`));
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

  /** Resolves when the message, and everything that it caused, is handled; with what became of it. */
  async says(text: string, { to }: { to: string }): Promise<Receipt> {
    const peer = await this.#warren.until(this.#peer);
    const sent = await this.#warren.until(peer.send(to, text));
    const receipt = await this.#warren.until(sent.handled);
    await this.#warren.quiet();
    return receipt;
  }
}
