/** Shared names: who has which name, compared and set in a journal of their own, and the days of disuse. */
import { WarrenError } from "../base/errors.ts";
import { isPeerId, shortId, type PeerId } from "../base/ids.ts";
import type { Log } from "../base/log.ts";
import type { Clock } from "../base/world.ts";
import { DAY_MS, GRANT_DAYS } from "./grant.ts";
import { JournalCopy } from "./journal-copy.ts";
import type { Journal } from "./journal.ts";
import {
  parseDay,
  parseName,
  parseReleased,
  type DayValue,
  type NameValue,
  type ReleasedValue,
} from "./shared-values.ts";
import type { Tables } from "./tables.ts";

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
  readonly #copy: JournalCopy;
  readonly #tables: Tables;
  readonly #log: Log;
  readonly #lease: { readonly owner: string };
  readonly #released = new Map<string, number>(); // when, by name
  #day: DayValue | undefined;

  constructor({ journal, tables, clock, log, lease }: SharedNamesOptions) {
    this.#journal = journal;
    this.#tables = tables;
    this.#log = log;
    this.#lease = lease;
    this.#copy = new JournalCopy({ journal, clock, log, onValue: (key, value) => this.#take(key, value) });
  }

  get isCurrent(): boolean {
    return this.#copy.isCurrent;
  }

  /** Whose they are; undefined until the first process of that registry has begun. */
  async owner(): Promise<PeerId | undefined> {
    const owner = (await this.#journal.get(REGISTRY))?.value ?? "";
    return isPeerId(owner) ? owner : undefined;
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
    return this.#copy.load();
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
    return await this.#copy.put(key, value === undefined ? "" : JSON.stringify(value));
  }

  #take(key: string, value: string): void {
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
}

async function inBatches<Item>(items: readonly Item[], run: (item: Item) => Promise<unknown>): Promise<void> {
  for (let index = 0; index < items.length; index += BATCH)
    await Promise.all(items.slice(index, index + BATCH).map(run));
}
