/** A peer that is all memory: what a plugin's host asks of one, with the outside played by the test. */
import type { Card } from "../../src/base/card.ts";
import { isPeerId, type PeerInfo } from "../../src/base/ids.ts";
import { describeError, WarrenError } from "../../src/base/errors.ts";
import { Emitter } from "../../src/base/hooks.ts";
import { createLog } from "../../src/base/log.ts";
import type { World } from "../../src/base/world.ts";
import type { CommandsHost } from "../../src/bot/commands.ts";
import { openGroup } from "../../src/bot/group.ts";
import type { HostPeer } from "../../src/bot/host.ts";
import type { Directory } from "../../src/peer/directory.ts";
import type { IncomingMessage, MessageHandler, Receipt, ReplyText, Sent } from "../../src/peer/message.ts";
import { joinPieces } from "../../src/peer/pieces.ts";
import type { PeerEvents } from "../../src/peer/reports.ts";
import { Tasks } from "../../src/peer/tasks.ts";
import { openStore } from "../../src/store/store.ts";
import type { Table } from "../../src/peer/tables.ts";
import type { Trace } from "../../src/peer/traces.ts";
import { ManualClock } from "../../src/testing/manual-clock.ts";

export function somebody(name: string, kind: PeerInfo["kind"] = "person"): PeerInfo {
  const id = name.padEnd(52, "a").replace(/[^a-z2-7]/g, "a");
  if (!isPeerId(id)) throw new Error(`${name} cannot be made into an id`);
  return { id, name, kind };
}

export const ann = somebody("ann");

export const bob = somebody("bob");

/** What a plugin's commands are given by its host. */
export function commandsHost(peer = new FakePeer()): CommandsHost & { failures: string[] } {
  const store = <Value>(name: string): Table<Value> => peer.table(`dice/${name}`);
  const failures: string[] = [];
  return {
    clock: peer.clock,
    store,
    group: (name) => openGroup(name, store),
    lookUp: (who) => peer.resolve(who),
    within: (_, act) => act(),
    failed: (where, error) => void failures.push(`${where}: ${describeError(error)}`),
    failures,
  };
}

/** All that is said, also if it comes in pieces. */
export async function wholeOf(text: ReplyText): Promise<string> {
  return typeof text === "string" ? text : await joinPieces(text);
}

export class FakePeer implements HostPeer {
  readonly info: PeerInfo;
  readonly clock = new ManualClock();
  readonly logged: string[] = [];
  readonly sent: { to: string; text: string }[] = [];
  readonly cards: Card[] = [];
  readonly kept: Trace[] = [];
  readonly calls = { ask: async (): Promise<never> => await Promise.reject(new Error("a fake peer calls nobody")) };
  readonly traces = { keep: (trace: Trace): void => void this.kept.push(trace) };
  readonly log = createLog("peer", (level, source, text) => void this.logged.push(`${level} ${source}: ${text}`));
  readonly world: World = { clock: this.clock, random: () => 0.5, token: () => `token${++this.#count}` };
  readonly tasks = new Tasks(openStore(":memory:", this.clock));
  directory: Directory | undefined;
  readonly #events = new Emitter<PeerEvents>((error) => {
    throw error;
  });
  readonly #messageHandlers = new Set<MessageHandler>();
  readonly #tables = new Map<string, Table<unknown>>();
  #count = 0;

  constructor(name = "dice", kind: PeerInfo["kind"] = "bot") {
    this.info = somebody(name, kind);
  }

  get handlerCount(): number {
    return this.#messageHandlers.size;
  }

  /** Says something to the bot, and resolves with what it answered. */
  async hear(text: string, message: Partial<IncomingMessage> = {}): Promise<string[]> {
    const answers: string[] = [];
    const incoming: IncomingMessage = {
      id: `m${++this.#count}`,
      from: ann,
      text,
      at: 0,
      hops: 0,
      attempt: 1,
      signal: new AbortController().signal,
      reply: async (answer) => {
        const whole = await wholeOf(answer);
        answers.push(whole);
        return await this.send(ann.name, whole);
      },
      ...message,
    };
    for (const handler of this.#messageHandlers) await handler(incoming);
    return answers;
  }

  on(event: "message" | keyof PeerEvents, handler: MessageHandler | ((...args: never[]) => unknown)): () => void {
    if (event !== "message") {
      const listener: (...args: never[]) => unknown = handler;
      return this.#events.on(event, listener as (...args: unknown[]) => unknown);
    }
    const entry: MessageHandler = (message) => (handler as MessageHandler)(message);
    this.#messageHandlers.add(entry);
    return () => void this.#messageHandlers.delete(entry);
  }

  tell<Event extends keyof PeerEvents>(event: Event, ...args: PeerEvents[Event]): void {
    this.#events.emit(event, ...args);
  }

  async send(to: string, text: string): Promise<Sent> {
    this.sent.push({ to, text });
    const receipt: Receipt = { id: "s", to: ann, state: "delivered" };
    return await Promise.resolve({
      id: "s",
      to: ann,
      delivered: Promise.resolve(receipt),
      handled: Promise.resolve(receipt),
    });
  }

  /** Knows ann and bob. */
  async resolve(who: string): Promise<PeerInfo> {
    const known = [ann, bob].find(({ id, name }) => id === who || name === who);
    if (!known) throw new WarrenError("PEER_UNKNOWN", `nobody is called ${who}`);
    return await Promise.resolve(known);
  }

  async find(): Promise<never[]> {
    return await Promise.resolve([]);
  }

  async effect<Result>(_name: string, run: () => Promise<Result> | Result): Promise<Result> {
    return await run();
  }

  table<Value>(name: string): Table<Value> {
    const table = this.#tables.get(name) ?? memoryTable();
    this.#tables.set(name, table);
    return table as Table<Value>;
  }

  setCard(card: Card): void {
    this.cards.push(card);
  }
}

export function memoryTable(): Table<unknown> {
  const rows = new Map<string, unknown>();
  const entries = (prefix = ""): [string, unknown][] =>
    [...rows].filter(([key]) => key.startsWith(prefix)).sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    get: (key) => rows.get(key),
    has: (key) => rows.has(key),
    set: async (key, value) => await Promise.resolve(void rows.set(key, value)),
    update: async (key, change) => {
      rows.set(key, change(rows.get(key)));
      return await Promise.resolve(rows.get(key));
    },
    delete: async (key) => await Promise.resolve(void rows.delete(key)),
    keys: (prefix) => entries(prefix).map(([key]) => key),
    entries: (prefix) => entries(prefix).values(),
  };
}
