/** Session: a peer of this process as a program sees it, through commands and events. */
import { formatAddress, parseName } from "../base/ids.ts";
import { parsePeerId } from "../identity/peer-id.ts";
import type { MessageState, Receipt } from "../peer/message.ts";
import type { Peer } from "../peer/peer.ts";
import { takeCare } from "./care.ts";
import {
  errorEvent,
  historyLine,
  receiptEvent,
  type Command,
  type Emit,
  type Performer,
  type Ready,
} from "./events.ts";

const LAST_STATES: readonly MessageState[] = ["handled", "failed", "expired"];

type Follower = (receipt: Receipt) => void;

export class Session implements Performer, Disposable {
  readonly peer: Peer;
  readonly #followers = new Map<string, Follower>(); // by message id, until its last state
  readonly #watchers = new Set<Emit>(); // whoever asked to see messages
  readonly #onStop: () => void;
  readonly #end: () => void;
  #sending = 0; // sends whose message id is not known yet
  #early: Receipt[] = []; // receipts that came during such a send, and may be its own

  /** `onStop` is called when a command asks for the end. The peer stays its owner's to close. */
  constructor(peer: Peer, onStop: () => void) {
    this.peer = peer;
    this.#onStop = onStop;
    this.#end = peer.on("receipt", (receipt) => this.#onReceipt(receipt));
  }

  async perform(command: Command, emit: Emit, signal?: AbortSignal): Promise<void> {
    const answer: Emit = "ref" in command ? (event) => emit({ ...event, ref: command.ref }) : emit;
    try {
      await this.#perform(command, answer, signal);
    } catch (error) {
      answer(errorEvent(error));
    }
  }

  /** Tells those who watch of a message that was shown. */
  shown(event: Parameters<Emit>[0]): void {
    for (const emit of this.#watchers) emit(event);
  }

  /** Called with the receipts of messages that no command of this run has sent. */
  onOtherReceipt: Follower = () => {};

  ready(): Ready {
    const { id, name, port, directory } = this.peer;
    return { id, name, port, registry: directory?.url ?? null };
  }

  [Symbol.dispose](): void {
    this.#end();
  }

  async #perform(command: Command, emit: Emit, signal?: AbortSignal): Promise<void> {
    const { peer } = this;
    switch (command.do) {
      case "send":
        return await this.#send(command.to, command.text, emit, signal);
      case "users":
        return emit({ event: "users", peers: await peer.users() });
      case "history": {
        const who = await peer.resolve(command.with);
        const messages = await peer.history(who.id, command.limit === undefined ? {} : { limit: command.limit });
        return emit({ event: "history", with: who, messages: messages.map(historyLine) });
      }
      case "whoami":
        return emit({
          event: "whoami",
          ...this.ready(),
          online: true,
          addresses: peer.addresses.map(formatAddress),
          reachable: peer.directory?.reachable ?? "unknown",
        });
      case "pin": {
        await peer.pin(parseName(command.name), parsePeerId(command.id));
        return emit({ event: "pinned", name: command.name, id: command.id });
      }
      case "watch":
        this.#watchers.add(emit);
        emit({ event: "ready", ...this.ready() });
        return await aborted(signal).finally(() => this.#watchers.delete(emit));
      case "stop":
        return this.#onStop();
      default:
        return emit(await takeCare(peer, command));
    }
  }

  async #send(to: string, text: string, emit: Emit, signal?: AbortSignal): Promise<void> {
    const { promise: done, resolve } = Promise.withResolvers<void>();
    const follow: Follower = (receipt) => {
      emit(receiptEvent(receipt));
      if (LAST_STATES.includes(receipt.state)) resolve();
    };
    this.#sending++;
    try {
      const sent = await this.peer.send(to, text);
      follow({ id: sent.id, to: sent.to, state: "queued" });
      this.#followers.set(sent.id, follow);
      void sent.handled.catch(resolve); // the peer closed: nothing more is going to come
    } finally {
      this.#sending--;
      this.#release();
    }
    await Promise.race([done, aborted(signal)]);
  }

  #onReceipt(receipt: Receipt): void {
    if (receipt.state === "queued") return; // told by whoever sends
    this.#early.push(receipt);
    this.#release();
  }

  /** Hands out the receipts whose owner is known; in their order, which is why the others wait behind the first unknown. */
  #release(): void {
    while (this.#early[0] && (this.#sending === 0 || this.#followers.has(this.#early[0].id))) {
      const receipt = this.#early.shift() as Receipt;
      const follow = this.#followers.get(receipt.id) ?? this.onOtherReceipt;
      if (LAST_STATES.includes(receipt.state)) this.#followers.delete(receipt.id);
      follow(receipt);
    }
  }
}

/** Resolves when `signal` is aborted. */
function aborted(signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    signal?.addEventListener("abort", () => resolve(), { once: true });
  });
}
