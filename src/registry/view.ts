/** View: the others, as a subscription tells of them, each entry checked before it is shown. */
import { describeError } from "../base/errors.ts";
import type { PeerId } from "../base/ids.ts";
import type { Log } from "../base/log.ts";
import type { Clock, Timer } from "../base/world.ts";
import { checkEntry, toEntry, type CheckedRecord, type RegistryEntry } from "./entry.ts";
import type { PeerFrame } from "./frames.ts";

/** What a registry can make its reader keep: so many entries, and so many characters of their records together. */
const MAX_ENTRIES = 50_000;
const MAX_RECORD_CHARS = 67_108_864; // the longest record has 32,768, a usual one not a thousand

interface Known {
  body: CheckedRecord;
  record: string;
  isOnline: boolean;
  /** Steady time until which the record holds, counted from its receipt by the registry. */
  freshUntil: number;
}

export interface ViewOptions {
  /** Left out: a peer does not watch itself. */
  self: PeerId;
  clock: Clock;
  log: Log;
  onChange: (entry: RegistryEntry) => void;
  maxRecordChars?: number;
}

export class View implements Disposable {
  readonly #self: PeerId;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #onChange: (entry: RegistryEntry) => void;
  readonly #maxRecordChars: number;
  readonly #known = new Map<PeerId, Known>();
  readonly #named = new Map<string, Set<PeerId>>(); // those of #known, by name; none is empty
  #missing: Set<PeerId> | undefined; // while a snapshot comes: those online before and not in it yet
  readonly #awaited = new Set<PeerId>(); // not in the last snapshot, and not given up
  #grace: Timer | undefined; // until they are
  #cursor: string | undefined;
  #chars = 0; // of the records known
  #refused = 0;

  constructor({ self, clock, log, onChange, maxRecordChars = MAX_RECORD_CHARS }: ViewOptions) {
    this.#self = self;
    this.#clock = clock;
    this.#log = log;
    this.#onChange = onChange;
    this.#maxRecordChars = maxRecordChars;
  }

  /** How many were dropped because they did not stand the check. */
  get refused(): number {
    return this.#refused;
  }

  /** Up to where everything is known; to be given when subscribing again. */
  get cursor(): string | undefined {
    return this.#cursor;
  }

  *entries(): IterableIterator<RegistryEntry> {
    for (const known of this.#known.values()) yield this.#show(known);
  }

  entry(id: PeerId): RegistryEntry | undefined {
    const known = this.#known.get(id);
    return known && this.#show(known);
  }

  /** Those who have a name: one, unless it has changed hands. */
  named(name: string): RegistryEntry[] {
    return [...(this.#named.get(name) ?? [])].flatMap((id) => this.entry(id) ?? []);
  }

  /** What follows, up to its end, is everybody: who is not among them is offline. */
  beginSnapshot(): void {
    this.#cursor = undefined;
    this.#missing = new Set([...this.#known].filter(([, known]) => known.isOnline).map(([id]) => id));
  }

  /**
   * All that is online has been told, and so has everything before `cursor`. Whoever was not among them has `graceMs` to come:
   * at a registry to which all move at once, not everybody is the first.
   */
  reach(cursor: string, graceMs = 0): void {
    this.#cursor = cursor;
    for (const id of this.#missing ?? []) this.#awaited.add(id);
    this.#missing = undefined;
    this.#grace?.[Symbol.dispose]();
    if (graceMs === 0) this.#giveUp();
    else this.#grace = this.#clock.after(graceMs, () => this.#giveUp());
  }

  [Symbol.dispose](): void {
    this.#grace?.[Symbol.dispose]();
  }

  async take(frame: PeerFrame, registry: PeerId): Promise<void> {
    try {
      const body = await checkEntry(frame, registry);
      this.#apply(frame, body);
    } catch (error) {
      // The first is a sign for people; the rest would let a registry write their screens full.
      if (this.#refused++ === 0)
        this.#log.warn(`an entry was dropped: ${describeError(error)}; further ones are counted`);
      this.#log.debug(`an entry was dropped: ${describeError(error)}`);
    }
    if (this.#cursor !== undefined && frame.cursor !== undefined) this.#cursor = frame.cursor;
  }

  #apply({ record, online, age }: PeerFrame, body: CheckedRecord): void {
    if (body.id === this.#self) return;
    this.#missing?.delete(body.id);
    this.#awaited.delete(body.id);
    const before = this.#known.get(body.id);
    if (before && before.record !== record && before.body.seq >= body.seq) throw new Error("an older record again");
    const freshUntil = this.#clock.steady() + (body.ttl - age) * 1_000;
    const known = before ?? { body, record, isOnline: false, freshUntil };
    const isNews = known.isOnline !== online || (online && known.record !== record);
    if (!this.#makeRoom(body.id, record.length - (before?.record.length ?? 0)))
      throw new Error("there is no room for more");
    this.#forgetName(known);
    Object.assign(known, { body, record, freshUntil });
    this.#known.set(body.id, known);
    this.#named.set(body.name, (this.#named.get(body.name) ?? new Set()).add(body.id));
    if (isNews) this.#set(known, online);
  }

  #giveUp(): void {
    for (const id of this.#awaited) {
      const known = this.#known.get(id);
      if (known?.isOnline) this.#set(known, false);
    }
    this.#awaited.clear();
  }

  #set(known: Known, isOnline: boolean): void {
    known.isOnline = isOnline;
    this.#onChange(toEntry(known.body, isOnline));
  }

  #show({ body, isOnline, freshUntil }: Known): RegistryEntry {
    return toEntry(body, isOnline && this.#clock.steady() < freshUntil);
  }

  #forgetName({ body: { id, name } }: Known): void {
    const ids = this.#named.get(name);
    ids?.delete(id);
    if (ids?.size === 0) this.#named.delete(name);
  }

  /** Who is offline makes room. Returns whether there is enough; then it is taken. */
  #makeRoom(id: PeerId, chars: number): boolean {
    const isFull = (): boolean =>
      this.#chars + chars > this.#maxRecordChars || (this.#known.size >= MAX_ENTRIES && !this.#known.has(id));
    for (const one of this.#known.values()) {
      if (!isFull()) break;
      if (one.isOnline || one.body.id === id) continue;
      this.#known.delete(one.body.id);
      this.#forgetName(one);
      this.#chars -= one.record.length;
    }
    if (isFull()) return false;
    this.#chars += chars;
    return true;
  }
}
