/** A machine in the simulation: a disk that outlives the processes on it, and a peer that runs, crashes and comes back. */
import { WarrenError } from "../base/errors.ts";
import type { PeerId } from "../base/ids.ts";
import { createLog, type Log } from "../base/log.ts";
import { sleep, type World } from "../base/world.ts";
import { encodePeerId } from "../identity/peer-id.ts";
import { isAfter } from "../peer/heard.ts";
import type { IncomingMessage } from "../peer/message.ts";
import { Peer } from "../peer/peer.ts";
import type { Database } from "../store/database.ts";
import { openStore, type Store } from "../store/store.ts";
import { failNextCommit } from "./failing-commit.ts";
import { LifeClock } from "./life-clock.ts";
import { seededToken } from "./random.ts";
import type { SharedDirectory } from "./shared-directory.ts";
import type { SimulatedNetwork, SimulatedTransport } from "./simulated-network.ts";
import type { Witness, Witnessed } from "./witness.ts";
import type { SimulatedWorld } from "./world.ts";

const PORT = 9_278;

export interface MachineOptions {
  name: string;
  world: SimulatedWorld;
  network: SimulatedNetwork;
  directory: SharedDirectory;
  witness: Witness;
  /** How large its database may become; see `Retention.keep`, which would not let it be that small. */
  keep: string;
  /** Whether the receiver of a message has it on its disk. */
  isStored(message: Witnessed): boolean;
  readonly trace: (line: string) => void;
}

/** One run of the peer's process. */
interface Life {
  readonly peer: Peer;
  readonly store: Store;
  readonly clock: LifeClock;
  readonly transport: SimulatedTransport;
  endReading: (() => void) | undefined;
}

export class SimulatedMachine implements Disposable {
  readonly name: string;
  readonly id: PeerId;
  readonly #options: MachineOptions;
  #disk: Uint8Array | undefined;
  #life: Life | undefined;
  readonly #remains: Database[] = []; // of processes that crashed; what is left of them may still look there
  #isReading = true;
  #isSaying = false; // in this turn

  constructor(options: MachineOptions) {
    this.#options = options;
    this.name = options.name;
    this.id = machineId(options.name);
  }

  get isUp(): boolean {
    return this.#life !== undefined;
  }

  get disk(): Uint8Array | undefined {
    return this.#life ? this.#life.store.db.serialize() : this.#disk;
  }

  get clock(): LifeClock | undefined {
    return this.#life?.clock;
  }

  async start(host = this.name): Promise<void> {
    if (this.#life) return;
    const { world, network, directory } = this.#options;
    const clock = new LifeClock(world.clock);
    const mine: World = { clock, random: () => world.random(), token: seededToken(() => world.random()) };
    const opened = openStore(this.#disk ?? ":memory:", clock);
    const store: Store = {
      ...opened,
      [Symbol.dispose]: () => {
        opened.db.commit();
        this.#disk = opened.db.serialize(); // what the process leaves when it ends in order
        opened[Symbol.dispose]();
      },
    };
    store.settings.set("keep", this.#options.keep);
    const transport = network.transport(this.id, host);
    const info = { id: this.id, name: this.name, kind: "person" as const };
    const peer = await Peer.open({ info, store, transport, world: mine, log: this.#log(), host, port: PORT });
    this.#life = { peer, store, clock, transport, endReading: undefined };
    store.db.onRollback(() => this.#interrupted(store));
    peer.on("receipt", (receipt) =>
      this.#options.witness.receipt(receipt, (message) => this.#options.isStored(message)),
    );
    peer.on("draft", ({ text }) => this.#options.witness.drafted(this.name, text));
    this.#read(this.#life);
    await peer.setDirectory(directory.join());
  }

  /** Ends the process where it stands; what is committed stays. */
  crash(): void {
    const life = this.#life;
    if (!life) return;
    this.#life = undefined;
    life.clock.kill();
    life.transport.kill();
    life.store.db.giveUp();
    this.#interrupted(life.store);
    this.#disk = life.store.db.serialize();
    this.#remains.push(life.store.db);
  }

  /** Ends everything and gives back its memory. */
  [Symbol.dispose](): void {
    this.crash();
    for (const db of this.#remains.splice(0)) db[Symbol.dispose]();
  }

  /** Ends the process in order; takes up to six seconds. */
  async stop(): Promise<void> {
    const life = this.#life;
    if (!life) return;
    this.#life = undefined;
    const closing = life.peer.close();
    await this.#options.world.clock.advance(6_000);
    await closing;
    this.#options.witness.interrupted(this.name, () => true); // what was closed in order is done, or was not begun
    life.clock.kill();
    life.transport.kill();
  }

  /** Puts another disk in; an empty one if there is none. */
  replaceDisk(disk: Uint8Array | undefined): void {
    this.crash();
    this.#disk = disk;
    this.#options.witness.forgive(this.name);
  }

  /** Makes the next commit fail, as a full disk does; or the next one of a turn in which something is said and something comes. */
  failNextCommit(isOfBusyTurn: boolean): void {
    const life = this.#life;
    if (!life) return;
    const isBusy = (): boolean => this.#isSaying && life.transport.heardAt === life.clock.steady();
    failNextCommit(life.store.db, () => !isOfBusyTurn || isBusy());
  }

  /** Whether anybody takes what comes; otherwise it waits in the inbox. */
  setReading(isReading: boolean): void {
    this.#isReading = isReading;
    if (this.#life) this.#read(this.#life);
  }

  /** Sends a message and tells the witness once it is promised. */
  say(message: Witnessed, to: PeerId): void {
    const life = this.#life;
    if (!life) return;
    const { witness } = this.#options;
    this.#isSaying = true;
    life.store.db.afterCommit(() => (this.#isSaying = false));
    life.peer.send(to, message.text).then(
      ({ id }) => witness.promised(message, id),
      (error: unknown) => {
        if (error instanceof WarrenError && error.code === "STORE_FAILED") return witness.refused(message);
        witness.complaints.push(`sending "${message.text}" failed: ${String(error)}`);
      },
    );
  }

  /** Whether the disk has this message of another machine; yes while nobody can look. */
  holds(message: Witnessed): boolean {
    const store = this.#life?.store;
    const n = store?.contacts.byId(machineId(message.from))?.n;
    if (store === undefined || n === undefined) return store === undefined;
    return store.incoming.find(n, message.id) !== undefined || isForgotten(store, n, message.id);
  }

  get waiting(): number {
    return this.#life?.store.incoming.waitingCounts().reduce((sum, { count }) => sum + count, 0) ?? 0;
  }

  #read(life: Life): void {
    if (this.#isReading) {
      life.endReading ??= life.peer.on("message", (message) => this.#handle(message, life));
    } else {
      life.endReading?.();
      life.endReading = undefined;
    }
  }

  async #handle(incoming: IncomingMessage, life: Life): Promise<void> {
    const { text, attempt, signal } = incoming;
    const { witness, trace, world } = this.#options;
    if (!life.clock.isAlive) return;
    const message = witness.begins(this.name, text);
    if (!message) return;
    if (message.temper === "chatty") await incoming.reply(witness.answerTo(message).text);
    if (message.temper === "musing") await incoming.reply(this.#muse(witness.answerTo(message).text, life, signal));
    if (message.temper === "slow" || message.temper === "chatty")
      await sleep(life.clock, world.random() * 3_000, signal);
    if (message.temper === "faulty" && attempt === 1) throw new Error("not this time");
    if (message.temper === "hopeless") throw new Error("not ever");
    if (message.temper === "deadly") {
      trace(`${this.name} is killed by "${text}", attempt ${attempt}`);
      world.clock.soon(() => life === this.#life && this.crash());
      await new Promise(() => {});
    }
    if (life.clock.isAlive) witness.completes(message);
  }

  async *#muse(text: string, life: Life, signal: AbortSignal): AsyncGenerator<string> {
    for (const piece of text.match(/.{1,8}/g) ?? []) {
      yield piece;
      await sleep(life.clock, this.#options.world.random() * 600, signal);
    }
  }

  /** Peers that keep the protocol never end a connection for breaking it. */
  #log(): Log {
    return createLog(this.name, (_level, source, text) => {
      if (/PROTOCOL_VIOLATION|FRAME_/.test(text)) this.#options.witness.complaints.push(`${source}: ${text}`);
    });
  }

  #interrupted(store: Store): void {
    this.#options.witness.interrupted(this.name, (message) => {
      if (message.id === "") return false;
      const n = store.contacts.byId(machineId(message.from))?.n;
      if (n === undefined) return false;
      const place = store.incoming.find(n, message.id);
      if (place === undefined) return isForgotten(store, n, message.id); // what is not handled is never forgotten
      return store.incoming.waitingAfter(place - 1, 1)[0]?.place !== place;
    });
  }
}

/** Whether a message of a peer was on this disk, and made room for others. */
function isForgotten({ retention, heard, contacts }: Store, n: number, id: string): boolean {
  if (retention.forgotten(n) === 0) return false;
  const [run = "", count = ""] = id.split(".");
  const latest = contacts.byNumber(n)?.inId ?? "";
  const known = latest.startsWith(`${run}.`) ? latest.slice(run.length + 1) : heard.last(n, run);
  return known !== undefined && !isAfter(count, known);
}

/** Ids whose order is that of the names. */
export function machineId(name: string): PeerId {
  return encodePeerId(Buffer.alloc(32, name));
}
