/** A directory in memory, shared by the peers of one test: what a registry is to them, without its network. */
import { WarrenError } from "../base/errors.ts";
import { Emitter } from "../base/hooks.ts";
import type { PeerId } from "../base/ids.ts";
import type { Announcement, Directory, DirectoryEntry, DirectoryEvents, DirectoryQuery } from "../peer/directory.ts";

export class SharedDirectory {
  readonly #entries = new Map<PeerId, DirectoryEntry>();
  readonly #members = new Set<Member>();

  /** While it is away nobody can ask, and nobody is told. */
  isAway = false;

  /** The directory as one peer sees it; leaving it is saying goodbye. */
  join(): Directory {
    const member: Member = new Member(this.#entries, {
      isAway: () => this.isAway,
      changed: (entry) => this.#tell(entry),
      left: () => void this.#members.delete(member),
    });
    this.#members.add(member);
    return member;
  }

  #tell(entry: DirectoryEntry): void {
    this.#entries.set(entry.id, entry);
    if (this.isAway) return;
    for (const member of this.#members) member.tell(entry);
  }
}

interface Reports {
  isAway(): boolean;
  changed(entry: DirectoryEntry): void;
  left(): void;
}

class Member implements Directory {
  readonly url = "memory";
  readonly isConnected = true;
  readonly #entries: ReadonlyMap<PeerId, DirectoryEntry>;
  readonly #reports: Reports;
  readonly #events = new Emitter<DirectoryEvents>((error) => {
    throw error; // in a test nothing goes unseen
  });
  #self: DirectoryEntry | undefined;

  constructor(entries: ReadonlyMap<PeerId, DirectoryEntry>, reports: Reports) {
    this.#entries = entries;
    this.#reports = reports;
  }

  entries(): Iterable<DirectoryEntry> {
    return this.#entries.values();
  }

  entry(id: PeerId): DirectoryEntry | undefined {
    return this.#entries.get(id);
  }

  named(name: string): readonly DirectoryEntry[] {
    return [...this.#entries.values()].filter((entry) => entry.name === name);
  }

  async find({ id, name, kind, command }: DirectoryQuery): Promise<DirectoryEntry[]> {
    if (this.#reports.isAway()) throw new WarrenError("REGISTRY_UNREACHABLE", "the registry does not answer");
    const found = [...this.#entries.values()].filter(
      (entry) =>
        (id === undefined || entry.id === id) &&
        (name === undefined || entry.name === name) &&
        (kind === undefined || entry.kind === kind) &&
        (command === undefined || entry.card.commands.some((one) => one.name === command)),
    );
    return await Promise.resolve(found);
  }

  announce(self: Announcement): void {
    const isNew = this.#self === undefined;
    this.#self = { ...self, online: true };
    this.#reports.changed(this.#self);
    if (isNew) this.#events.emit("connected");
  }

  on<Event extends keyof DirectoryEvents>(
    event: Event,
    listener: (...args: DirectoryEvents[Event]) => void,
  ): () => void {
    return this.#events.on(event, listener);
  }

  tell(entry: DirectoryEntry): void {
    this.#events.emit(entry.online ? "online" : "offline", entry);
  }

  async hangUp(): Promise<void> {
    this.#reports.left();
    this.#self = undefined;
    return await Promise.resolve();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#reports.left();
    if (this.#self) this.#reports.changed({ ...this.#self, online: false });
    this.#self = undefined;
    return await Promise.resolve();
  }
}
