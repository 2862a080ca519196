/** The registry's client: keeps one peer registered, and keeps for it what the registry says of the others, checked. */
import { describeError, isWarrenError, WarrenError } from "../base/errors.ts";
import { Emitter } from "../base/hooks.ts";
import type { PeerId } from "../base/ids.ts";
import { oneLine, silentLog, type Log } from "../base/log.ts";
import { backoffMs, sleep, systemWorld, type World } from "../base/world.ts";
import type { Identity } from "../identity/identity.ts";
import type { RegistryEntry, RegistryQuery, SelfDescription } from "./entry.ts";
import { Forbearance } from "./forbearance.ts";
import type { ErrorFrame, Reachability, ServerFrame } from "./frames.ts";
import { changeOfKey, readGreeting, unusable } from "./greeting.ts";
import { Link, LOGIN_MS } from "./link.ts";
import { acceptGrant, logIn, type Applicant } from "./login.ts";
import { askForKey, lookUpAnywhere, type LookUpOptions } from "./lookup.ts";
import { isOwnMatter, isPassing, staleView } from "./matters.ts";
import { keptPass, pinKey, pinnedKey } from "./memory.ts";
import type { RegistryMemory } from "./memory.ts";
import { signGoodbye, type Challenge } from "./proof.ts";
import { Rotation } from "./rotation.ts";
import { SelfRecord } from "./self-record.ts";
import { Standpoint } from "./standpoint.ts";
import { isLoopbackUrl, parseRegistryUrls } from "./url.ts";
import { View } from "./view.ts";

/** Announcements within that time become one record. */
const COALESCE_MS = 100;
/** A session that lasted so long was good for something. One that ends sooner counts as a failure: it is not tried in a circle. */
const GOOD_SESSION_MS = 10_000;
const GOODBYE_MS = 1_000;
/** How long one of several registries may take for a login, and for an answer. */
const TURN_MS = 4_000;
const TURN_ANSWER_MS = 2_000;
/** One of several is missed when it was silent for so long, though its lease may be longer. */
const SILENCE_MS = 12_000;
/** In which the others come to the next registry, too, before they count as gone. */
const MOVE_GRACE_MS = 10_000;

export interface RegistryClientOptions {
  /** URL, `host:port` or host; several, with commas between, are tried in turn. */
  url: string;
  identity: Identity;
  memory: RegistryMemory;
  /** Take a registry whose key has changed as it is; the change is told either way. */
  acceptNewKey?: boolean | ((url: string) => boolean);
  /** PEM; see `LookUpOptions`. */
  authority?: string | undefined;
  world?: World;
  log?: Log;
}

export interface RegistryClientEvents {
  /** A peer came online, or its entry changed while it is. */
  online: [entry: RegistryEntry];
  offline: [entry: RegistryEntry];
  /** Registered, and `entries()` is complete. */
  connected: [];
  disconnected: [reason: string];
  /** Something a person should read. */
  notice: [error: WarrenError];
}

export class RegistryClient implements AsyncDisposable {
  readonly #rotation: Rotation;
  readonly #identity: Identity;
  readonly #memory: RegistryMemory;
  readonly #acceptsNewKey: (url: string) => boolean;
  readonly #authority: string | undefined;
  readonly #world: World;
  readonly #log: Log;
  readonly #events: Emitter<RegistryClientEvents>;
  readonly #self: SelfRecord;
  readonly #standpoint = new Standpoint();
  readonly #view: View;
  #isClosed = false;
  #running: Promise<void> | undefined; // since the first announcement
  #nap: AbortController | undefined; // of the wait between two attempts
  #link: Link | undefined;
  #challenge: Challenge | undefined; // of the link, once it is logged in
  #state: "new" | "connected" | "disconnected" = "new";
  #loggedInAt: number | undefined; // steady; of the session that is under way or was the last
  readonly #forbearance: Forbearance;
  readonly #told = new Set<string>(); // notices since the last good session, by their codes
  #yields = false; // another process of this key is active: do not take over from it
  #hasMoved = false; // to another registry, which has not told of everybody yet
  #isRecordDue = false;
  #awayMs = 0; // for how long a registry that ended has asked to be left alone

  /** Nothing is sent before the first `announce`. @throws {WarrenError} `USAGE` */
  constructor({ url, identity, memory, acceptNewKey = false, authority, ...rest }: RegistryClientOptions) {
    const { world = systemWorld, log = silentLog } = rest;
    this.#rotation = new Rotation(parseRegistryUrls(url), memory);
    this.#identity = identity;
    this.#memory = memory;
    this.#acceptsNewKey = typeof acceptNewKey === "boolean" ? () => acceptNewKey : acceptNewKey;
    this.#authority = authority;
    this.#world = world;
    this.#log = log;
    this.#events = new Emitter((error, event) =>
      log.error(`a listener for "${event}" failed: ${describeError(error)}`),
    );
    this.#self = new SelfRecord(identity, memory, world.clock);
    this.#forbearance = new Forbearance(world.clock);
    this.#view = new View({
      self: identity.id,
      clock: world.clock,
      log,
      onChange: (entry) => this.#events.emit(entry.online ? "online" : "offline", entry),
    });
  }

  /** Of the registry whose turn it is. */
  get url(): string {
    return this.#rotation.current;
  }

  /** Who is not online here may be at another one of them. */
  get isOneOfSeveral(): boolean {
    return this.#rotation.urls.length > 1;
  }

  get isConnected(): boolean {
    return this.#state === "connected";
  }

  /** Whether others can dial this peer where the registry sees it. */
  get reachable(): Reachability {
    return this.#standpoint.reachable;
  }

  /** How many answers were dropped because they did not stand the check. */
  get refused(): number {
    return this.#view.refused;
  }

  /** The others, as far as the subscription has told of them. */
  readonly entries = (): Iterable<RegistryEntry> => this.#view.entries();
  readonly entry = (id: PeerId): RegistryEntry | undefined => this.#view.entry(id);
  readonly named = (name: string): readonly RegistryEntry[] => this.#view.named(name);

  /** Asks the registry now, or all of several. @throws {WarrenError} `REGISTRY_UNREACHABLE` and the like */
  async find(query: RegistryQuery): Promise<RegistryEntry[]> {
    const asking = this.#asking;
    return await lookUpAnywhere(this.#rotation.urls, query, (url) => {
      const pinned = pinnedKey(this.#memory, url);
      return { registry: this.#believed(url), ...asking, pass: pinned && keptPass(this.#memory, pinned) };
    });
  }

  announce(self: SelfDescription): void {
    if (this.#isClosed || !this.#self.describe(self)) return;
    this.#told.delete("NAME_TAKEN");
    this.#nap?.abort();
    this.#sendRecordSoon();
    this.#running ??= this.#run();
  }

  on<Event extends keyof RegistryClientEvents>(
    event: Event,
    listener: (...args: RegistryClientEvents[Event]) => void,
  ): () => void {
    return this.#events.on(event, listener);
  }

  /** Says goodbye; the others are told at once. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#isClosed && this.#link && this.#challenge) {
      this.#isClosed = true;
      await this.#sayGoodbye(this.#link, this.#challenge);
    }
    await this.hangUp();
  }

  /** Leaves without a goodbye: whoever is back within the registry's grace period was never seen to go. */
  async hangUp(): Promise<void> {
    if (!this.#isClosed) this.#link?.[Symbol.dispose]();
    this.#isClosed = true;
    this.#nap?.abort();
    await this.#running;
    this.#view[Symbol.dispose]();
  }

  async #run(): Promise<void> {
    for (let attempt = 0; !this.#isClosed; attempt++) {
      const reason = await this.#hold().catch((error: unknown) => error);
      const isOwn = isOwnMatter(reason);
      const rounds = Math.floor(attempt / this.#rotation.urls.length);
      this.#report(reason, isOwn || attempt + 1 >= this.#rotation.urls.length);
      if (this.#wasGood()) {
        attempt = 0;
        this.#told.clear(); // and it stays its turn: a registry is restarted now and then
      } else if (!isOwn) {
        this.#rotation.turn();
      }
      // Never without the wait that grows: a registry that always says goodbye at once must not be asked without end.
      const waitMs = this.#awayMs + backoffMs(rounds, () => this.#world.random());
      this.#awayMs = 0;
      if (!this.#isClosed) await this.#rest(waitMs);
    }
  }

  #wasGood(): boolean {
    return this.#loggedInAt !== undefined && this.#world.clock.steady() - this.#loggedInAt >= GOOD_SESSION_MS;
  }

  /** One session, from dialling to its end. */
  async #hold(): Promise<void> {
    this.#loggedInAt = undefined;
    this.#settleSelf();
    const nonce = this.#world.token(32);
    const loginMs = this.isOneOfSeveral ? TURN_MS : LOGIN_MS;
    using link = new Link(this.url, nonce, this.#world.clock, { loginMs, authority: this.#authority });
    this.#link = link;
    try {
      const challenge = await this.#greet(link, nonce);
      const leaseMs = await this.#logIn(link, challenge);
      if (this.#isClosed) return; // before there was anything to say goodbye to: the grace period ends it
      link.keep(this.isOneOfSeveral ? Math.min(leaseMs, SILENCE_MS) : leaseMs);
      this.#challenge = challenge;
      this.#loggedInAt = this.#world.clock.steady();
      this.#tellMove();
      this.#settleSelf();
      link.send({ t: "subscribe", after: this.#view.cursor });
      let frame = await link.next();
      for (; frame.t !== "bye"; frame = await link.next()) await this.#take(frame, challenge.registry);
      this.#stayAway(frame.after);
      throw new WarrenError("CONNECTION_LOST", "the registry said goodbye");
    } finally {
      this.#link = this.#challenge = undefined;
    }
  }

  async #greet(link: Link, nonce: string): Promise<Challenge> {
    const frame = await link.next().catch((error: unknown) => this.#explain(link, error));
    const challenge = await readGreeting(frame, this.url, nonce);
    const isAccepted = this.#acceptsNewKey(this.url);
    const change = changeOfKey(this.url, challenge.registry, { memory: this.#memory, isAccepted });
    if (change) this.#notice(change);
    return challenge;
  }

  /** Why there was no session at all: nobody there, or somebody else. */
  async #explain(link: Link, error: unknown): Promise<never> {
    if (link.wasOpen || this.#isClosed) throw error;
    await askForKey(this.url, this.#asking);
    throw new WarrenError("REGISTRY_UNREACHABLE", `the registry at ${this.url} takes no more sessions just now`);
  }

  async #logIn(link: Link, challenge: Challenge): Promise<number> {
    const frame = await logIn(link, challenge, {
      ...this.#applicant,
      ...(await this.#signSelf()),
      ifFree: this.#yields,
    });
    if (frame.t === "error") throw await this.#learnFrom(frame);
    pinKey(this.#memory, this.url, challenge.registry);
    this.#standpoint.seenAt(frame.seen);
    this.#yields = false;
    return frame.leaseMs;
  }

  async #take(frame: ServerFrame, registry: PeerId): Promise<void> {
    if (frame.t === "snapshot") {
      if (!this.#forbearance.bearsSnapshot()) throw unusable(this.url, "it begins to tell everything again and again");
      this.#view.beginSnapshot();
    }
    if (frame.t === "peer") await this.#view.take(frame, registry);
    if (frame.t === "synced") {
      this.#view.reach(frame.cursor, this.#hasMoved ? MOVE_GRACE_MS : 0);
      this.#hasMoved = false;
      if (this.#state !== "connected") this.#become("connected");
    }
    if (frame.t === "view" && frame.stale) this.#notice(staleView(this.url));
    if (frame.t === "recorded") {
      const { seq, name } = await this.#self.sign();
      // Else it is for a name left meanwhile.
      if (seq === frame.seq) await acceptGrant(frame.grant, registry, name, this.#applicant);
    }
    if (frame.t === "reachable" && this.#forbearance.bearsSighting()) {
      const notice = this.#standpoint.found(frame);
      if (notice) this.#notice(notice);
      this.#settleSelf();
    }
    if (frame.t === "error") {
      const error = await this.#learnFrom(frame);
      if (error.code === "REGISTRY_BUSY") this.#sendRecordSoon(this.#forbearance.afterBusy(frame.after));
      if (!isPassing(error)) this.#notice(error);
    }
    if (this.#self.isAging) this.#sendRecordSoon();
  }

  /** As long as the registry asks for; where there are others, they are not waited for so long. */
  #stayAway(ms = 0): void {
    this.#awayMs = Math.min(ms, this.isOneOfSeveral ? TURN_MS : Infinity);
  }

  /** What a refusal means for the next attempt. */
  async #learnFrom({ code, message, last, after }: ErrorFrame): Promise<WarrenError> {
    if (code === "TWO_INSTANCES") this.#yields = true;
    this.#stayAway(after);
    if (code === "RECORD_STALE" && last !== undefined && (await this.#self.goAbove(last))) this.#sendRecordSoon();
    return new WarrenError(code, `the registry at ${this.url} says: ${oneLine(message)}`);
  }

  async #signSelf(): Promise<{ record: string; name: string }> {
    const { record, name, problem } = await this.#self.sign();
    if (problem) this.#notice(problem);
    return { record, name };
  }

  /** What the record says depends on who reads it, and on where we are seen. */
  #settleSelf(): void {
    const place = { isRegistryHere: isLoopbackUrl(this.url), seen: this.#standpoint.address };
    if (this.#self.settleAt(place)) this.#sendRecordSoon();
  }

  #sendRecordSoon(ms: number = COALESCE_MS): void {
    if (this.#isRecordDue || !this.#challenge) return; // without a link the login will carry it
    this.#isRecordDue = true;
    this.#world.clock.after(ms, () => {
      this.#isRecordDue = false;
      this.#sendRecord().catch((error: unknown) => this.#report(error));
    });
  }

  async #sendRecord(): Promise<void> {
    const { record } = await this.#signSelf();
    if (this.#challenge) this.#link?.send({ t: "record", record });
  }

  async #sayGoodbye(link: Link, { registry, nonce }: Challenge): Promise<void> {
    const goodbye = await signGoodbye({ id: this.#identity.id, registry, nonce }, this.#identity.privateKey);
    link.send({ t: "goodbye", goodbye });
    using _ = this.#world.clock.after(GOODBYE_MS, () => link[Symbol.dispose]());
    await this.#running;
  }

  async #rest(ms: number): Promise<void> {
    this.#nap = new AbortController();
    await sleep(this.#world.clock, ms, this.#nap.signal).catch(() => {}); // woken early: something is to be said
    this.#nap = undefined;
  }

  /** `isLast`: all registries have been tried. */
  #report(error: unknown, isLast = false): void {
    if (this.#isClosed) return;
    if (!isWarrenError(error)) this.#log.error(`the session failed: ${describeError(error)}`);
    else if (!isPassing(error)) this.#notice(error);
    this.#log.debug(describeError(error));
    const isNews = this.#state === "connected" || (this.#state === "new" && isLast);
    if (isNews) this.#become("disconnected", describeError(error));
  }

  #become(state: "connected"): void;
  #become(state: "disconnected", reason: string): void;
  #become(state: "connected" | "disconnected", reason = ""): void {
    this.#state = state;
    if (state === "connected") this.#events.emit("connected");
    else this.#events.emit("disconnected", reason);
  }

  /** Told once until a good session has ended: an attempt every few seconds would say it for ever. */
  #notice(error: WarrenError): void {
    if (this.#told.has(error.code)) return;
    this.#told.add(error.code);
    this.#events.emit("notice", error);
  }

  #tellMove(): void {
    const before = this.#rotation.settle();
    if (before === undefined) return;
    this.#hasMoved = true;
    const text = `the registry at ${before} is not to be had: the one at ${this.url} is used from now on`;
    this.#notice(new WarrenError("REGISTRY_MOVED", text));
  }

  get #applicant(): Applicant {
    return { identity: this.#identity, memory: this.#memory, url: this.url };
  }

  /** An answer is not waited for as long as usual where another one may answer. */
  get #asking(): LookUpOptions {
    const asking = { clock: this.#world.clock, authority: this.#authority };
    return this.isOneOfSeveral ? { ...asking, timeoutMs: TURN_ANSWER_MS } : asking;
  }

  /** The key that answers must be by; undefined where any will do. */
  #believed(url: string): PeerId | undefined {
    return this.#acceptsNewKey(url) ? undefined : pinnedKey(this.#memory, url);
  }
}
