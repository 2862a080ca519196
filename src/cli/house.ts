/** House: what a running peer has around it. The role with registry and bots, the open peer, and the order of their end. */
import { Scope } from "../base/scope.ts";
import type { Log } from "../base/log.ts";
import { systemWorld } from "../base/world.ts";
import type { Peer } from "../peer/peer.ts";
import { localRegistryPort, localRegistryUrl } from "../registry/url.ts";
import { BotsProcess, hasBotsFolder } from "./bots-process.ts";
import { serveControl } from "./control.ts";
import { personFolder } from "./identities.ts";
import { LocalRegistry } from "./local-registry.ts";
import { Notices } from "./notices.ts";
import { interruption } from "./program.ts";
import { registryWord } from "./registry-word.ts";
import { Role } from "./role.ts";
import { Session } from "./session.ts";
import { keepChoice, startPeer, type Asker, type Choice, type StartOptions } from "./start.ts";

export interface HouseOptions extends Omit<StartOptions, "registry"> {
  /** A URL or "none"; undefined is the registry of this machine, which is run where there is none. */
  readonly registry?: string | undefined;
  /** Bots that run with this peer. */
  readonly botFiles: readonly string[];
  /** Whether the bots of `./bots` may run with the role. */
  readonly hasBots: boolean;
  /** What the command line configures, each as `<name>.<key>=<value>`. */
  readonly set: readonly string[];
  /** The folder in which it is recorded what happens to the bots. */
  readonly record?: string | undefined;
  /** Whether bots are loaded again when their files change. */
  readonly isWatching: boolean;
  readonly debug: boolean;
}

/** A peer that is online, and what programs see of it. */
export interface Online extends AsyncDisposable {
  readonly peer: Peer;
  readonly session: Session;
  readonly notices: Notices;
  /** Resolves when the registry has taken the peer, or there is no use in waiting for it. */
  readonly registered: Promise<void>;
  readonly choice: Choice;
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
  #folderBots: BotsProcess | undefined; // those of `./bots`
  #waiting: (() => unknown)[] | undefined = []; // for the peer to be online; undefined once it was

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
        startBots: () =>
          this.#whenOnline(() => options.hasBots && hasBotsFolder() && (this.#folderBots = this.#runBots([]))),
      }),
    );
    if (options.registry !== undefined) return;
    const folder = `${options.home}/registry`;
    const log = options.log.named("registry");
    // Taken over from another home, whose bots are gone: ours, which had to stay off beside them, may come now.
    const onStart = (): void => this.#folderBots?.restart();
    this.#registry = this.#scope.use(new LocalRegistry({ folder, port: localRegistryPort(), log, onStart }));
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

  /** Takes the role where it is free. Bots come when the peer is online: whoever waits at a terminal goes first. */
  async moveIn(): Promise<void> {
    await this.#role.start();
    const { botFiles } = this.#options;
    if (botFiles.length > 0) this.#whenOnline(() => this.#runBots(botFiles));
  }

  /** Opens the peer. What `options` say replaces what was said at the start. */
  async open(wanted: Choice, asker?: Asker, options: Partial<StartOptions> = {}): Promise<Online> {
    const scope = new Scope();
    try {
      const { peer, choice } = await startPeer({ ...this.start, ...options }, wanted, asker);
      scope.use(peer);
      const notices = scope.use(new Notices(peer));
      const registered = registryWord(peer.directory, systemWorld.clock);
      // Soon: whoever asks for it through the control socket is told first that it was heard.
      const session = scope.use(new Session(peer, () => systemWorld.clock.soon(() => this.stop())));
      scope.use(serveControl(personFolder(this.start.home, peer.name), session));
      const ended = peer.directory?.on("disconnected", () => this.#role.registryLost());
      if (ended) scope.defer(ended);
      await keepChoice(this.start.home, choice);
      for (const task of this.#waiting?.splice(0) ?? []) task();
      this.#waiting = undefined;
      return { peer, session, notices, registered, choice, [Symbol.asyncDispose]: () => scope.close() };
    } catch (error) {
      await scope.close();
      throw error;
    }
  }

  /** The bots say goodbye while there is still a registry to hear it; the role is free last of all. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#scope.close();
  }

  #whenOnline(task: () => unknown): void {
    if (this.#waiting) this.#waiting.push(task);
    else task();
  }

  #runBots(files: readonly string[]): BotsProcess {
    const log = this.#log.named("bots");
    const { home, registry, acceptNewRegistry = false, registryCa, invite } = this.start;
    return this.#scope.use(
      new BotsProcess({
        files,
        home,
        registry,
        acceptNewRegistry,
        registryCa,
        invite,
        set: this.#options.set,
        record: this.#options.record,
        isWatching: this.#options.isWatching,
        world: systemWorld,
        isDebugging: this.#options.debug,
        onLine: (line) => log.warn(line.replace(/^bots: /, "")),
      }),
    );
  }
}
