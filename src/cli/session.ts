/** Session: a peer of this process as a program sees it, through commands and events. */
import { formatAddress, parseName } from "../base/ids.ts";
import { parsePeerId } from "../identity/peer-id.ts";
import { callLine } from "../bot/call-line.ts";
import type { MessageState, Receipt, SendOptions, Sent } from "../peer/message.ts";
import type { Peer } from "../peer/peer.ts";
import { takeCare } from "./care.ts";
import { errorEvent, receiptEvent, type Command, type Emit, type Performer, type Ready } from "./events.ts";
import { historyWith } from "./history.ts";

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
      case "call":
        return await this.#call(command, emit, signal);
      case "users":
        return emit({ event: "users", peers: await peer.users() });
      case "history": {
        const who = await peer.resolve(command.with);
        return emit({ event: "history", with: who, ...(await historyWith(peer, who.id, command.limit)) });
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
    const sent = await this.#sendFollowed(to, text, {}, (receipt) => {
      emit(receiptEvent(receipt));
      if (LAST_STATES.includes(receipt.state)) resolve();
    });
    void sent.handled.catch(resolve); // the peer closed: nothing more is going to come
    await Promise.race([done, aborted(signal)]);
  }

  async #call(call: Command & { do: "call" }, emit: Emit, signal?: AbortSignal): Promise<void> {
    const { to, command, args = {}, confirmed = false, timeout } = call;
    let id = "";
    try {
      const result = await this.peer.calls.ask(to, { command, args, confirmed }, callLine(command, args), {
        ...(timeout !== undefined && { timeoutMs: timeout * 1_000 }),
        ...(signal && { signal }),
        send: async (whom, text, options) => {
          const sent = await this.#sendFollowed(whom, text, options, (receipt) => emit(receiptEvent(receipt)));
          ({ id } = sent);
          return sent;
        },
      });
      emit({ event: "result", to, command, result });
    } finally {
      if (this.#followers.has(id)) this.#followers.set(id, () => {}); // the answer was the last event of this command
    }
  }

  async #sendFollowed(to: string, text: string, options: SendOptions, follow: Follower): Promise<Sent> {
    this.#sending++;
    try {
      const sent = await this.peer.send(to, text, options);
      follow({ id: sent.id, to: sent.to, state: "queued" });
      this.#followers.set(sent.id, follow);
      return sent;
    } finally {
      this.#sending--;
      this.#release();
    }
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
