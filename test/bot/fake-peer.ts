/** A peer that is all memory: what a plugin's host asks of one, with the outside played by the test. */
import type { Card } from "../../src/base/card.ts";
import { isPeerId, type PeerInfo } from "../../src/base/ids.ts";
import { createLog } from "../../src/base/log.ts";
import type { World } from "../../src/base/world.ts";
import type { HostPeer } from "../../src/bot/host.ts";
import type { IncomingMessage, MessageHandler, Receipt, Sent } from "../../src/peer/message.ts";
import type { PeerEvents } from "../../src/peer/reports.ts";
import { Tasks } from "../../src/peer/tasks.ts";
import { openStore } from "../../src/store/store.ts";
import type { Table } from "../../src/peer/tables.ts";
import { ManualClock } from "../../src/testing/manual-clock.ts";

export function somebody(name: string, kind: PeerInfo["kind"] = "person"): PeerInfo {
  const id = name.padEnd(52, "a").replace(/[^a-z2-7]/g, "a");
  if (!isPeerId(id)) throw new Error(`${name} cannot be made into an id`);
  return { id, name, kind };
}

export const ann = somebody("ann");

export class FakePeer implements HostPeer {
  readonly info: PeerInfo;
  readonly clock = new ManualClock();
  readonly logged: string[] = [];
  readonly sent: { to: string; text: string }[] = [];
  readonly cards: Card[] = [];
  readonly log = createLog("peer", (level, source, text) => void this.logged.push(`${level} ${source}: ${text}`));
  readonly world: World = { clock: this.clock, random: () => 0.5, token: () => "token" };
  readonly tasks = new Tasks(openStore(":memory:", this.clock));
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
        answers.push(answer);
        return await this.send(ann.name, answer);
      },
      ...message,
    };
    for (const handler of this.#messageHandlers) await handler(incoming);
    return answers;
  }

  on(event: "message" | keyof PeerEvents, handler: MessageHandler | ((...args: never[]) => unknown)): () => void {
    if (event !== "message") return () => {};
    const entry: MessageHandler = (message) => (handler as MessageHandler)(message);
    this.#messageHandlers.add(entry);
    return () => void this.#messageHandlers.delete(entry);
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

function memoryTable(): Table<unknown> {
  const rows = new Map<string, unknown>();
  return {
    get: (key) => rows.get(key),
    set: async (key, value) => await Promise.resolve(void rows.set(key, value)),
    update: async (key, change) => {
      rows.set(key, change(rows.get(key)));
      return await Promise.resolve(rows.get(key));
    },
    delete: async (key) => await Promise.resolve(void rows.delete(key)),
    entries: () => rows.entries(),
  };
}
