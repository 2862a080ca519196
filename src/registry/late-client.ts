/** Late client: a registry client that is loaded when it is needed; that takes as long as all the rest of a short visit. */
import type { PeerId } from "../base/ids.ts";
import type { Timer, World } from "../base/world.ts";
import type { RegistryClient, RegistryClientEvents, RegistryClientOptions } from "./client.ts";
import type { RegistryEntry, RegistryQuery, SelfDescription } from "./entry.ts";
import type { Reachability } from "./frames.ts";
import { keptGrant, pinnedKey } from "./memory.ts";
import { Rotation } from "./rotation.ts";
import { parseRegistryUrls } from "./url.ts";

export interface LateClientOptions extends RegistryClientOptions {
  world: World;
  /**
   * How long, in ms, a peer whose name the registry has granted before waits until it registers: whoever is gone again by
   * then was never seen to come and go. Default 0. Whose name is new registers at once.
   */
  registerAfterMs?: number;
}

export class LateClient implements AsyncDisposable {
  readonly #rotation: Rotation;
  readonly #options: LateClientOptions;
  #loading: Promise<RegistryClient> | undefined;
  #client: RegistryClient | undefined;
  #early = new Set<(client: RegistryClient) => void>(); // what is to be done when it is loaded
  #self: SelfDescription | undefined; // as announced last
  #timer: Timer | undefined; // since the first announcement
  #isRegistering = false;
  #isClosed = false;

  /** @throws {WarrenError} `USAGE` */
  constructor(options: LateClientOptions) {
    this.#options = options;
    this.#rotation = new Rotation(parseRegistryUrls(options.url), options.memory);
  }

  get url(): string {
    return this.#client?.url ?? this.#rotation.current;
  }

  get isOneOfSeveral(): boolean {
    return this.#rotation.urls.length > 1;
  }

  get reachable(): Reachability {
    return this.#client?.reachable ?? "unknown";
  }

  get isConnected(): boolean {
    return this.#client?.isConnected ?? false;
  }

  entries(): Iterable<RegistryEntry> {
    return this.#client?.entries() ?? [];
  }

  entry(id: PeerId): RegistryEntry | undefined {
    return this.#client?.entry(id);
  }

  named(name: string): readonly RegistryEntry[] {
    return this.#client?.named(name) ?? [];
  }

  /** Asks the registry now. @throws {WarrenError} `REGISTRY_UNREACHABLE` and the like */
  async find(query: RegistryQuery): Promise<RegistryEntry[]> {
    return await (await this.#load()).find(query);
  }

  announce(self: SelfDescription): void {
    this.#self = self;
    if (this.#isClosed) return;
    if (this.#isRegistering) return void this.#register();
    const { world, registerAfterMs = 0 } = this.#options;
    this.#timer ??= world.clock.after(this.#wasGranted(self.name) ? registerAfterMs : 0, () => {
      this.#isRegistering = true;
      void this.#register();
    });
  }

  on<Event extends keyof RegistryClientEvents>(
    event: Event,
    listener: (...args: RegistryClientEvents[Event]) => void,
  ): () => void {
    if (this.#client) return this.#client.on(event, listener);
    let end: (() => void) | undefined;
    const register = (client: RegistryClient): void => void (end = client.on(event, listener));
    this.#early.add(register);
    return () => {
      this.#early.delete(register);
      end?.();
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const client = await this.#end();
    await client?.[Symbol.asyncDispose]();
  }

  async hangUp(): Promise<void> {
    const client = await this.#end();
    await client?.hangUp();
  }

  /** Begins nothing any more; resolves to the client, if there ever was one. */
  async #end(): Promise<RegistryClient | undefined> {
    this.#isClosed = true;
    this.#timer?.[Symbol.dispose]();
    return await this.#loading;
  }

  async #register(): Promise<void> {
    const client = await this.#load();
    if (this.#self && !this.#isClosed) client.announce(this.#self);
  }

  #load(): Promise<RegistryClient> {
    this.#loading ??= import("./client.ts").then(({ RegistryClient }) => {
      this.#client = new RegistryClient(this.#options);
      for (const task of this.#early) task(this.#client);
      return this.#client;
    });
    return this.#loading;
  }

  #wasGranted(name: string): boolean {
    const { memory } = this.#options;
    const registry = pinnedKey(memory, this.url);
    return registry !== undefined && keptGrant(memory, registry, name) !== undefined;
  }
}
