/** People: who is meant by a name, where a peer can be reached, who is there. What is pinned stands until a person says otherwise. */
import { describeError, WarrenError } from "../base/errors.ts";
import {
  formatAddress,
  isPeerId,
  parseAddress,
  parseName,
  shortId,
  type Address,
  type PeerId,
  type PeerInfo,
} from "../base/ids.ts";
import type { Hello } from "../wire/frames.ts";
import type { ContactRow, Contacts } from "../store/contacts.ts";
import type { Directory, DirectoryEntry, DirectoryQuery } from "./directory.ts";
import type { UserInfo } from "./message.ts";

/** Addresses remembered of a peer, newest first. */
const MAX_REMEMBERED = 8;

export interface PeopleHost {
  readonly self: PeerInfo;
  readonly contacts: Contacts;
  readonly directory: () => Directory | undefined;
  /** Dials an address and tells whose key is there. */
  meet(address: Address): Promise<PeerInfo>;
  isConnected(peer: PeerId): boolean;
  ownAddresses(): readonly Address[];
  /** The row of a peer; it is made, within this turn's transaction, if it is new. */
  rowOf(info: PeerInfo): ContactRow;
  /** Something that its user should read. */
  noticed(notice: WarrenError): void;
  /** Its name or kind is another one now. */
  renamed(info: PeerInfo): void;
}

export class People {
  readonly #host: PeopleHost;

  constructor(host: PeopleHost) {
    this.#host = host;
  }

  /**
   * Who is meant by a name, an id or `host:port`. Answers at once where nobody has to be asked.
   *
   * @throws {WarrenError} `PEER_UNKNOWN`, `PEER_IS_SELF`, `NAME_CHANGED`, `BAD_NAME`, `PEER_UNREACHABLE` (`host:port` only)
   */
  resolve(to: string): PeerInfo | Promise<PeerInfo> {
    const { self, contacts } = this.#host;
    if (to === self.id || to === self.name) {
      throw new WarrenError("PEER_IS_SELF", `${to} is you yourself: messages go to others`);
    }
    if (isPeerId(to)) {
      const row = contacts.byId(to);
      return row ? toInfo(row) : this.#byUnknownId(to);
    }
    const address = parseAddress(to);
    if (address) return this.#host.meet(address);
    return this.#byName(parseName(to));
  }

  /** Accepts on purpose that `name` belongs to `id` from now on. */
  pin(name: string, id: PeerId): void {
    const row = this.#host.rowOf(this.#entryOf(id) ?? { id, name: parseName(name), kind: "person" });
    this.#host.contacts.pin(row.n, parseName(name));
    this.#host.renamed({ id, name, kind: row.kind });
  }

  /** A name that is pinned to another key may have been handed on to this one. */
  cameOnline({ id, name }: PeerInfo): void {
    const pinned = this.#host.contacts.byPinnedName(name);
    const entry = pinned && pinned.id !== id ? this.#entryOf(id) : undefined;
    if (pinned && entry?.transferredFrom === pinned.id) this.#follow(pinned.id, entry);
  }

  /** Keeps what a hello tells: name and kind for display, and where the peer listens. */
  met(id: PeerId, hello: Hello, seenFrom: Address, isDialled: boolean, now: number): void {
    const { contacts } = this.#host;
    const row = this.#host.rowOf({ id, name: hello.name, kind: hello.kind });
    const port = isDialled ? seenFrom.port : hello.port;
    const address = port > 0 ? formatAddress({ host: seenFrom.host, port }) : undefined;
    const addresses = JSON.stringify(withFirst(address, remembered(row)));
    contacts.saveSeen(row.n, hello.name, hello.kind, addresses, now);
    if (hello.name !== row.name || hello.kind !== row.kind) {
      this.#host.renamed({ id, name: row.pinned ?? hello.name, kind: hello.kind });
    }
  }

  /**
   * Where a peer may be, best first: what the directory says now, then what is remembered. At the first attempt nobody
   * who is remembered waits for a registry that is not there yet, or no longer.
   */
  async addressesOf(id: PeerId, isFirstAttempt: boolean): Promise<readonly Address[]> {
    const row = this.#host.contacts.byId(id);
    const known = (row ? remembered(row) : []).map(parseAddress).filter((address) => address !== undefined);
    const directory = this.#host.directory();
    const mustAsk = !isFirstAttempt || known.length === 0 || directory?.isConnected === true;
    const entry = this.#entryOf(id);
    const isFound = entry?.online === true || (entry !== undefined && directory?.isOneOfSeveral !== true);
    const listed = isFound || !mustAsk ? entry : ((await this.find({ id })).at(0) ?? entry);
    const all = [...(listed?.addresses ?? []), ...known];
    return [...new Map(all.map((address) => [formatAddress(address), address])).values()];
  }

  /** What the directory says; when it does not answer, what it said before. */
  async find(query: DirectoryQuery): Promise<DirectoryEntry[]> {
    const directory = this.#host.directory();
    if (!directory) return [];
    try {
      return await directory.find(query);
    } catch {
      // The registry is a convenience: without it, what is known goes on to hold.
      return [...directory.entries()].filter((entry) => matches(entry, query));
    }
  }

  /** Everyone seen, oneself included; who is online comes first. */
  async users(): Promise<UserInfo[]> {
    const { self, contacts } = this.#host;
    const directory = this.#host.directory();
    const users = new Map<PeerId, UserInfo>();
    for (const row of contacts.all()) {
      users.set(row.id, {
        ...toInfo(row),
        online: this.#host.isConnected(row.id),
        self: false,
        addresses: remembered(row),
      });
    }
    const listed = directory?.isConnected ? directory.entries() : await this.find({});
    for (const { id, name, kind, online, addresses } of listed) {
      const known = users.get(id);
      users.set(id, {
        id,
        name,
        kind,
        online: online || known?.online === true,
        self: false,
        addresses: addresses.map(formatAddress),
      });
    }
    users.set(self.id, { ...self, online: true, self: true, addresses: this.#host.ownAddresses().map(formatAddress) });
    return [...users.values()].sort((a, b) => Number(b.online) - Number(a.online) || a.name.localeCompare(b.name));
  }

  async #byName(name: string): Promise<PeerInfo> {
    const { contacts } = this.#host;
    const directory = this.#host.directory();
    const pinned = contacts.byPinnedName(name);
    if (pinned) {
      const online = this.#entriesNamed(name).filter((entry) => entry.online);
      const other = online.find(({ id }) => id !== pinned.id);
      if (!other || online.some(({ id }) => id === pinned.id)) return toInfo(pinned);
      if (other.transferredFrom !== pinned.id) throw nameChanged(name, pinned.id, other.id);
      return this.#follow(pinned.id, other);
    }
    const failures: unknown[] = [];
    const granted = await directory?.find({ name }).catch((error: unknown) => void failures.push(error));
    const entry = granted?.find((one) => one.name === name) ?? this.#entriesNamed(name)[0];
    if (!entry) throw this.#unknown(name, failures[0]);
    // Only now is the name bound: the directory hands out names that the registry has granted, and no others.
    contacts.pin(this.#host.rowOf(entry).n, name);
    return { id: entry.id, name, kind: entry.kind };
  }

  /** The key that the name is pinned to has handed it on. */
  #follow(before: PeerId, { id, name, kind }: DirectoryEntry): PeerInfo {
    const info = { id, name, kind };
    this.#host.contacts.pin(this.#host.rowOf(info).n, name);
    this.#host.noticed(nameTransferred(name, before, id));
    return info;
  }

  async #byUnknownId(id: PeerId): Promise<PeerInfo> {
    const entry = this.#entryOf(id) ?? (await this.find({ id })).at(0);
    return entry ? { id, name: entry.name, kind: entry.kind } : { id, name: shortId(id), kind: "person" };
  }

  #entryOf(id: PeerId): DirectoryEntry | undefined {
    return this.#host.directory()?.entry(id);
  }

  #entriesNamed(name: string): readonly DirectoryEntry[] {
    return this.#host.directory()?.named(name) ?? [];
  }

  #unknown(name: string, failure: unknown): WarrenError {
    const [claimant] = this.#host.contacts.byClaimedName(name);
    if (claimant) {
      const way = `a peer that calls itself so has the id ${claimant.id}: send to the id, or accept the name with "pin ${name} ${claimant.id}"`;
      return new WarrenError("PEER_UNKNOWN", `nobody vouches for the name ${name}; ${way}`);
    }
    const directory = this.#host.directory();
    if (!directory) {
      return new WarrenError(
        "PEER_UNKNOWN",
        `no peer named ${name} is known, and there is no registry to ask: give host:port or an id`,
      );
    }
    if (failure !== undefined) {
      const message = `no peer named ${name} is known here, and the registry could not be asked (${describeError(failure)})`;
      return new WarrenError("PEER_UNKNOWN", message, { cause: failure });
    }
    return new WarrenError(
      "PEER_UNKNOWN",
      `no peer named ${name} is known, neither here nor to the registry at ${directory.url}`,
    );
  }
}

function toInfo(row: ContactRow): PeerInfo {
  return { id: row.id, name: row.pinned ?? row.name, kind: row.kind };
}

function remembered(row: ContactRow): string[] {
  const list: unknown = JSON.parse(row.addresses);
  return Array.isArray(list) ? list.filter((address) => typeof address === "string") : [];
}

function withFirst(address: string | undefined, others: readonly string[]): string[] {
  if (address === undefined) return [...others];
  return [address, ...others.filter((other) => other !== address)].slice(0, MAX_REMEMBERED);
}

function matches(entry: DirectoryEntry, { id, name, kind, command }: DirectoryQuery): boolean {
  return (
    (id === undefined || entry.id === id) &&
    (name === undefined || entry.name === name) &&
    (kind === undefined || entry.kind === kind) &&
    (command === undefined || entry.card.commands.some((one) => one.name === command))
  );
}

function nameTransferred(name: string, before: PeerId, now: PeerId): WarrenError {
  const text = `${name} is another key from now on: ${shortId(before)} has handed the name on to ${shortId(now)}, and has signed that. What you say to ${name} goes to ${now}; the key before is still reached by its id, ${before}`;
  return new WarrenError("NAME_TRANSFERRED", text);
}

function nameChanged(name: string, pinned: PeerId, now: PeerId): WarrenError {
  return new WarrenError(
    "NAME_CHANGED",
    `the key behind ${name} has changed: it was ${pinned}, the registry now says ${now}. If you know why, accept it with "pin ${name} ${now}"`,
  );
}
