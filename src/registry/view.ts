/** View: the others, as a subscription tells of them, each entry checked before it is shown. */
import { describeError } from "../base/errors.ts";
import type { PeerId } from "../base/ids.ts";
import type { Log } from "../base/log.ts";
import type { Clock } from "../base/world.ts";
import { checkEntry, toEntry, type RegistryEntry } from "./entry.ts";
import type { PeerFrame } from "./frames.ts";
import type { RecordBody } from "./record.ts";

/** What a registry can make its reader keep. */
const MAX_ENTRIES = 50_000;

interface Known {
  body: RecordBody;
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
}

export class View {
  readonly #self: PeerId;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #onChange: (entry: RegistryEntry) => void;
  readonly #known = new Map<PeerId, Known>();
  #missing: Set<PeerId> | undefined; // while a snapshot comes: those online before and not in it yet
  #cursor: string | undefined;
  #refused = 0;

  constructor({ self, clock, log, onChange }: ViewOptions) {
    this.#self = self;
    this.#clock = clock;
    this.#log = log;
    this.#onChange = onChange;
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
    const now = this.#clock.steady();
    for (const { body, isOnline, freshUntil } of this.#known.values())
      yield toEntry(body, isOnline && now < freshUntil);
  }

  /** What follows, up to its end, is everybody: who is not among them is offline. */
  beginSnapshot(): void {
    this.#cursor = undefined;
    this.#missing = new Set([...this.#known].filter(([, known]) => known.isOnline).map(([id]) => id));
  }

  /** All that is online has been told, and so has everything before `cursor`. */
  reach(cursor: string): void {
    this.#cursor = cursor;
    const missing = this.#missing ?? [];
    this.#missing = undefined;
    for (const id of missing) {
      const known = this.#known.get(id);
      if (known) this.#set(known, false);
    }
  }

  async take(frame: PeerFrame, registry: PeerId): Promise<void> {
    try {
      const body = await checkEntry(frame, registry);
      this.#apply(frame, body);
    } catch (error) {
      this.#refused++;
      this.#log.warn(`an entry was dropped: ${describeError(error)}`);
    }
    if (this.#cursor !== undefined && frame.cursor !== undefined) this.#cursor = frame.cursor;
  }

  #apply({ record, online, age }: PeerFrame, body: RecordBody): void {
    if (body.id === this.#self) return;
    this.#missing?.delete(body.id);
    const before = this.#known.get(body.id);
    if (before && before.record !== record && before.body.seq >= body.seq) throw new Error("an older record again");
    const freshUntil = this.#clock.steady() + (body.ttl - age) * 1_000;
    const known = before ?? { body, record, isOnline: false, freshUntil };
    const isNews = known.isOnline !== online || (online && known.record !== record);
    Object.assign(known, { body, record, freshUntil });
    if (!before && !this.#keep(known)) throw new Error(`more than ${MAX_ENTRIES} entries`);
    if (isNews) this.#set(known, online);
  }

  #set(known: Known, isOnline: boolean): void {
    known.isOnline = isOnline;
    this.#onChange(toEntry(known.body, isOnline));
  }

  #keep(known: Known): boolean {
    if (this.#known.size >= MAX_ENTRIES) {
      const gone = this.#known.values().find((one) => !one.isOnline);
      if (!gone) return false;
      this.#known.delete(gone.body.id);
    }
    this.#known.set(known.body.id, known);
    return true;
  }
}
