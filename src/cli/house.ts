/** House: what a running peer has around it. The role with registry and bots, the open peer, and the order of their end. */
import { Scope } from "../base/scope.ts";
import type { Log } from "../base/log.ts";
import { systemWorld } from "../base/world.ts";
import type { Peer } from "../peer/peer.ts";
import { BotsProcess } from "./bots-process.ts";
import { serveControl } from "./control.ts";
import { personFolder } from "./identities.ts";
import { LocalRegistry, localRegistryPort, localRegistryUrl } from "./local-registry.ts";
import { interruption } from "./program.ts";
import { Role } from "./role.ts";
import { Session } from "./session.ts";
import { startPeer, type Asker, type Choice, type StartOptions } from "./start.ts";

export interface HouseOptions extends Omit<StartOptions, "registry"> {
  /** A URL or "none"; undefined is the registry of this machine, which is run where there is none. */
  readonly registry?: string | undefined;
  /** Bots that run with this peer. */
  readonly botFiles: readonly string[];
  /** Whether the bots of `./bots` may run with the role. */
  readonly hasBots: boolean;
  readonly debug: boolean;
}

/** A peer that is online, and what programs see of it. */
export interface Online extends AsyncDisposable {
  readonly peer: Peer;
  readonly session: Session;
}

export class House implements AsyncDisposable {
  /** What the identity is chosen and opened by. */
  readonly start: StartOptions;
  readonly #options: HouseOptions;
  readonly #log: Log;
  readonly #scope = new Scope();
  readonly #stop = new AbortController();
  readonly #registry: LocalRegistry | undefined;
  readonly #role: Role;

  constructor(options: HouseOptions) {
    this.#options = options;
    this.#log = options.log;
    this.start = { ...options, registry: options.registry ?? localRegistryUrl() };
    interruption().addEventListener("abort", () => this.stop(), { once: true });
    this.#role = this.#scope.use(
      new Role({
        home: options.home,
        world: systemWorld,
        ensureRegistry: async () => (await this.#registry?.ensure()) ?? true,
        startBots: () => options.hasBots && this.#runBots([]),
      }),
    );
    if (options.registry !== undefined) return;
    const folder = `${options.home}/registry`;
    const notice = (text: string): void => options.log.warn(text);
    this.#registry = this.#scope.use(
      new LocalRegistry({ folder, port: localRegistryPort(), log: options.log.named("registry"), notice }),
    );
  }

  get isOwnRegistry(): boolean {
    return this.#registry?.isOwn ?? false;
  }

  get isStopping(): boolean {
    return this.#stop.signal.aborted;
  }

  /** Aborted when the peer is to stop: by the system, by its user, or by a command. */
  get stopped(): AbortSignal {
    return this.#stop.signal;
  }

  stop(): void {
    this.#stop.abort();
  }

  untilStopped(): Promise<void> {
    return new Promise((resolve) => {
      if (this.isStopping) return resolve();
      this.stopped.addEventListener("abort", () => resolve(), { once: true });
    });
  }

  /** Takes the role where it is free, and starts the bots. */
  async moveIn(): Promise<void> {
    await this.#role.start();
    if (this.#options.botFiles.length > 0) this.#runBots(this.#options.botFiles);
  }

  /** Opens the peer. `registry`, a URL or "none", replaces the one that was given at the start. */
  async open(choice: Choice, asker?: Asker, registry = this.start.registry): Promise<Online> {
    const scope = new Scope();
    try {
      const peer = scope.use(await startPeer({ ...this.start, registry }, choice, asker));
      const session = scope.use(new Session(peer, () => this.stop()));
      scope.use(serveControl(personFolder(this.start.home, peer.name), session));
      const ended = peer.directory?.on("disconnected", () => this.#role.registryLost());
      if (ended) scope.defer(ended);
      return { peer, session, [Symbol.asyncDispose]: () => scope.close() };
    } catch (error) {
      await scope.close();
      throw error;
    }
  }

  /** The bots say goodbye while there is still a registry to hear it; the role is free last of all. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#scope.close();
  }

  #runBots(files: readonly string[]): void {
    const log = this.#log.named("bots");
    this.#scope.use(
      new BotsProcess({
        files,
        home: this.start.home,
        registry: this.start.registry,
        world: systemWorld,
        isDebugging: this.#options.debug,
        onLine: (line) => log.warn(line.replace(/^bots: /, "")),
      }),
    );
  }
}
