/** Shared names: who has which name, compared and set in a journal of their own, and the days of disuse. */
import { WarrenError } from "../base/errors.ts";
import { isPeerId, shortId, type PeerId } from "../base/ids.ts";
import type { Log } from "../base/log.ts";
import type { Clock } from "../base/world.ts";
import { DAY_MS, GRANT_DAYS } from "./grant.ts";
import type { Entry, Journal } from "./journal.ts";
import {
  parseDay,
  parseName,
  parseReleased,
  type DayValue,
  type NameValue,
  type ReleasedValue,
} from "./shared-values.ts";
import type { Tables } from "./tables.ts";
import { Watermark } from "./watermark.ts";

const NAME = "name.";
const DAY = "day";
const REGISTRY = "registry";
/** Names written at once when a day is counted. */
const BATCH = 256;

export interface SharedNamesOptions {
  journal: Journal;
  tables: Tables;
  clock: Clock;
  log: Log;
  /** By whom a day is counted. */
  lease: { readonly owner: string };
}

export class SharedNames {
  readonly #journal: Journal;
  readonly #tables: Tables;
  readonly #log: Log;
  readonly #lease: { readonly owner: string };
  readonly #revisions = new Map<string, number>(); // of the last write, by key
  readonly #released = new Map<string, number>(); // when, by name
  readonly #seen: Watermark;
  #day: DayValue | undefined;
  #told: Set<string> | undefined; // keys, while everything is told from the beginning
  #isCurrent = false;

  constructor({ journal, tables, clock, log, lease }: SharedNamesOptions) {
    this.#journal = journal;
    this.#tables = tables;
    this.#log = log;
    this.#lease = lease;
    this.#seen = new Watermark(clock);
  }

  get isCurrent(): boolean {
    return this.#isCurrent;
  }

  /** @throws {WarrenError} `STORE_FOREIGN` when the names are another registry's */
  async belongTo(registry: PeerId): Promise<void> {
    const there = (await this.#journal.get(REGISTRY)) ?? { value: "", revision: 0 };
    if (there.value === registry) return;
    if (there.value === "" && (await this.#journal.put(REGISTRY, registry, there.revision)).kind === "written") return;
    const owner = there.value || (await this.#journal.get(REGISTRY))?.value || "";
    if (owner === registry) return;
    const other = isPeerId(owner) ? `the registry ${shortId(owner)}` : "something that is no registry";
    const text = `the shared store belongs to ${other}, and this key is ${shortId(registry)}: `;
    const advice = "copy key.pem of one of its processes (or give it with --key), or take another --store-name";
    throw new WarrenError("STORE_FOREIGN", text + advice);
  }

  load(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#journal.follow({
      entry: (entry) => this.#take(entry),
      began: () => void (this.#told = new Set()),
      caughtUp: () => {
        this.#forgetUntold();
        this.#isCurrent = true;
        resolve();
      },
      away: () => void (this.#isCurrent = false),
    });
    return promise;
  }

  /** Writes that `id` has the name, as was decided by what is known. False if that was not so any more: it is known now. */
  async claim(name: string, { id, since }: { id: PeerId; since: number }): Promise<boolean> {
    const usedDay = this.#day?.day ?? 0;
    const known = this.#tables.name(name);
    if (known && known.id === id && known.since === since && known.usedDay >= usedDay) return true;
    return await this.#put(NAME + name, { id, since, usedDay, releasedAt: this.releasedAt(name) });
  }

  /** When a name was last given back. */
  releasedAt(name: string): number | undefined {
    return this.#released.get(name);
  }

  /** Writes that the name is nobody's. False if it was not so any more that its holder has it: what is so is known now. */
  async release(name: string, releasedAt: number): Promise<boolean> {
    return await this.#put(NAME + name, { releasedAt });
  }

  /**
   * On a new day by the journal's clock, one of the processes counts it. Names that are in use stay fresh; those not used
   * for 90 counted days are removed, with `removePeer` for each.
   */
  async countDay(time: number, removePeer: (id: PeerId, name: string) => Promise<void>): Promise<void> {
    const date = Math.floor(time / DAY_MS);
    const last = this.#day;
    // Back by one day may be another server's clock; by more, it is a correction.
    if (last && (date === last.date || date === last.date - 1)) return;
    const isNew = last !== undefined && date > last.date;
    const value: DayValue = { day: (last?.day ?? 0) + (isNew ? 1 : 0), date, by: this.#lease.owner };
    if (!(await this.#put(DAY, value)) || !isNew) return;
    const { day } = value;
    const used = this.#tables.namesInUse(day);
    const inUse = new Set(used.map(({ name }) => name));
    const unused = this.#tables.namesUnusedSince(day - GRANT_DAYS).filter(({ name }) => !inUse.has(name));
    await inBatches(used, ({ name, id, since }) =>
      this.#put(NAME + name, { id, since, usedDay: day, releasedAt: this.releasedAt(name) }),
    );
    const isOver = ([, releasedAt]: [string, number]): boolean => releasedAt < time - GRANT_DAYS * DAY_MS;
    const over = [...this.#released].filter((one) => isOver(one) && !this.#tables.name(one[0]));
    await inBatches(over, ([name]) => this.#put(NAME + name, undefined)); // grants from before have run out by themselves
    await inBatches(unused, async ({ name, id }) => {
      if (await this.#put(NAME + name, undefined)) await removePeer(id, name);
    });
    this.#log.info(`day ${day} is counted: ${used.length} names in use, ${unused.length} names are free again`);
  }

  async #put(key: string, value: NameValue | ReleasedValue | DayValue | undefined): Promise<boolean> {
    const text = value === undefined ? "" : JSON.stringify(value);
    const written = await this.#journal.put(key, text, this.#revisions.get(key) ?? 0);
    if (written.kind === "written") {
      if (await this.#seen.wait(written.revision)) return true;
      throw new WarrenError("STORE_UNREACHABLE", "the shared store does not tell what is written to it");
    }
    const entry = await this.#journal.get(key);
    if (entry) this.#apply(entry); // it may not have been told yet
    return false;
  }

  #take(entry: Entry): void {
    this.#told?.add(entry.key);
    this.#apply(entry);
    this.#seen.reach(entry.revision);
  }

  #apply(entry: Entry): void {
    const { key, value, revision } = entry;
    if (!this.#told && (this.#revisions.get(key) ?? 0) >= revision) return;
    this.#revisions.set(key, revision);
    if (key === DAY) this.#day = parseDay(value);
    if (!key.startsWith(NAME)) return;
    const name = key.slice(NAME.length);
    const released = parseReleased(value);
    if (released) this.#released.set(name, released.releasedAt);
    else this.#released.delete(name);
    const known = parseName(value);
    if (known) this.#tables.setName(name, known);
    else this.#tables.removeName(name);
  }

  /** What was there before and is no more: the journal has lost its last writes. */
  #forgetUntold(): void {
    const told = this.#told;
    this.#told = undefined;
    if (!told) return;
    for (const key of this.#revisions.keys()) {
      if (told.has(key)) continue;
      this.#log.warn(`the shared store has lost ${key}`);
      this.#revisions.delete(key);
      if (!key.startsWith(NAME)) continue;
      this.#tables.removeName(key.slice(NAME.length));
      this.#released.delete(key.slice(NAME.length));
    }
  }
}

async function inBatches<Item>(items: readonly Item[], run: (item: Item) => Promise<unknown>): Promise<void> {
  for (let index = 0; index < items.length; index += BATCH)
    await Promise.all(items.slice(index, index + BATCH).map(run));
}
