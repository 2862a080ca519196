/** Witness: sees what peers promise and what handlers do, and says where the two do not agree. */
import type { MessageState, Receipt } from "../peer/message.ts";

/**
 * What a message does to its handler: end at once, take a while, answer and take a while, answer in pieces, fail once, always
 * fail, kill.
 */
export const TEMPERS = ["quick", "slow", "chatty", "musing", "faulty", "hopeless", "deadly"] as const;
export type Temper = (typeof TEMPERS)[number];

export interface Witnessed {
  readonly text: string; // unique
  readonly from: string;
  readonly to: string;
  readonly order: number; // among what `from` said to `to`; 0 for an answer, which a crash may put behind later words
  readonly temper: Temper;
  id: string; // empty until the promise was made
  begun: number;
  completed: number;
  /** Runs beyond the first one that a crash or a failed commit allows. */
  allowed: number;
  /** Its sender was told that nothing was saved. */
  isRefused: boolean;
  /** Its sender's or its receiver's disk went back in time, or was there twice: it may be lost, and its state be wrong. */
  isForgiven: boolean;
  /** Its receiver's did: it may also be handled again. */
  mayRepeat: boolean;
  state: MessageState | undefined;
}

const SETTLED: readonly (MessageState | undefined)[] = ["handled", "failed"];
const RANK: readonly MessageState[] = ["queued", "sent", "delivered", "handled"];

export class Witness {
  readonly #messages = new Map<string, Witnessed>(); // by text
  readonly #byId = new Map<string, Witnessed>();
  readonly #orders = new Map<string, number>(); // the last number given, by "from>to"
  readonly #running = new Map<string, Witnessed>(); // whose handlers run, by "from>to"
  readonly #heard = new Map<string, number>(); // the last number whose handler began, by "from>to"
  readonly complaints: string[] = [];

  /** A message is about to be sent; it is promised only once `promised` says so. */
  intend(from: string, to: string, temper: Temper): Witnessed {
    const pair = `${from}>${to}`;
    const order = (this.#orders.get(pair) ?? 0) + 1;
    this.#orders.set(pair, order);
    const text = `${pair}#${order} ${temper}`;
    return this.#add(text, from, to, order, temper);
  }

  /** The one answer that the handlers of a message give, however often they run. */
  answerTo(message: Witnessed): Witnessed {
    const text = `answer to ${message.text}`;
    const answer = this.#messages.get(text) ?? this.#add(text, message.to, message.from, 0, "quick");
    answer.isForgiven ||= message.isForgiven;
    answer.mayRepeat ||= message.isForgiven; // an answer is no effect of a run that the disk has forgotten
    return answer;
  }

  /** What is seen of an answer in pieces is a beginning of it. */
  drafted(at: string, text: string): void {
    const isKnown = [...this.#messages.values()].some((message) => message.to === at && message.text.startsWith(text));
    if (!isKnown) this.complaints.push(`${at} saw somebody write "${text}", which is the beginning of nothing`);
  }

  promised(message: Witnessed, id: string): void {
    message.id = id;
    this.#byId.set(id, message);
  }

  /** The sender was told that nothing was saved: whoever says it again must not be heard twice. */
  refused(message: Witnessed): void {
    message.isRefused = true;
  }

  /** A handler begins. `at`: at whose peer. */
  begins(at: string, text: string): Witnessed | undefined {
    const message = this.#messages.get(text);
    if (!message) return void this.complaints.push(`${at} heard "${text}", which nobody said`);
    if (message.to !== at) this.complaints.push(`${at} heard "${text}", which was not for it`);
    if (message.isRefused) this.complaints.push(`"${text}" was heard, and its sender was told that nothing was saved`);
    message.begun++;
    if (message.begun === 1) this.#checkOrder(message);
    this.#checkTurn(message);
    return message;
  }

  completes(message: Witnessed): void {
    message.completed++;
    if (this.#running.get(pairOf(message)) === message) this.#running.delete(pairOf(message));
    if (message.completed > 1 + message.allowed && !message.mayRepeat) {
      this.complaints.push(`"${message.text}" was handled ${message.completed} times, ${1 + message.allowed} allowed`);
    }
  }

  /** `isStored`: whether the receiver's disk has the message. */
  receipt({ id, state }: Receipt, isStored: (message: Witnessed) => boolean): void {
    const message = this.#byId.get(id);
    if (!message) return;
    if (SETTLED.includes(message.state) && message.state !== state) {
      if (RANK.includes(state) || !message.isForgiven) this.#complainOfState(message, state);
    }
    message.state = state;
    if (message.isForgiven) return;
    if (state === "delivered" && !isStored(message)) {
      this.complaints.push(`"${message.text}" was acknowledged, and is not on the receiver's disk`);
    }
    if (state === "handled" && message.completed === 0) {
      this.complaints.push(`"${message.text}" was called handled before its handlers were done`);
    }
    if (state === "failed" && !["hopeless", "deadly"].includes(message.temper)) {
      this.complaints.push(`"${message.text}" failed: there was nothing wrong with it`);
    }
  }

  /** The process of `name` has ended, or its commit failed: handlers that ran and are not done on disk may run again. */
  interrupted(name: string, isDone: (message: Witnessed) => boolean): void {
    for (const message of this.#messages.values()) {
      if (message.to === name) this.#running.delete(pairOf(message));
      if (message.to === name && message.begun > 0 && !isDone(message)) message.allowed++;
    }
  }

  /** The disk of `name` has gone back in time or was there twice: what was said to or by it until now is beyond promises. */
  forgive(name: string): void {
    for (const message of this.#messages.values()) {
      if (message.from === name || message.to === name) message.isForgiven = true;
      if (message.to === name) message.mayRepeat = true;
    }
  }

  /** Those of whom something is still to come. */
  pending(): Witnessed[] {
    return [...this.#messages.values()].filter(
      (message) =>
        message.id !== "" &&
        !message.isForgiven &&
        (!SETTLED.includes(message.state) || this.#unheardAnswer(message) !== undefined),
    );
  }

  get counts(): { promised: number; handled: number } {
    const all = [...this.#messages.values()];
    return {
      promised: all.filter(({ id }) => id !== "").length,
      handled: all.filter(({ completed }) => completed > 0).length,
    };
  }

  /** After the last fault and time enough. */
  conclude(): void {
    for (const message of this.#messages.values()) {
      if (message.id === "" || message.isForgiven) continue;
      const { text, temper, state, completed } = message;
      const wanted = temper === "deadly" || temper === "hopeless" ? "failed" : "handled";
      if (state !== wanted) this.complaints.push(`"${text}" ended as ${state ?? "queued"}, not as ${wanted}`);
      if (wanted === "handled" && completed === 0) this.complaints.push(`"${text}" was promised and never handled`);
      const answer = this.#unheardAnswer(message);
      if (answer) this.complaints.push(`"${answer.text}" was lost`);
    }
  }

  /** What its handlers have answered, while nobody has handled that. */
  #unheardAnswer({ text }: Witnessed): Witnessed | undefined {
    const answer = this.#messages.get(`answer to ${text}`);
    return answer && !answer.isForgiven && answer.completed === 0 ? answer : undefined;
  }

  #add(text: string, from: string, to: string, order: number, temper: Temper): Witnessed {
    const message: Witnessed = {
      text,
      from,
      to,
      order,
      temper,
      id: "",
      begun: 0,
      completed: 0,
      allowed: 0,
      isRefused: false,
      isForgiven: false,
      mayRepeat: false,
      state: undefined,
    };
    this.#messages.set(text, message);
    return message;
  }

  #checkOrder(message: Witnessed): void {
    const pair = pairOf(message);
    const last = this.#heard.get(pair) ?? 0;
    if (message.isForgiven || message.order === 0) return;
    if (message.order < last) this.complaints.push(`"${message.text}" came after number ${last} of the same sender`);
    this.#heard.set(pair, Math.max(last, message.order));
  }

  /** A sender's next message begins only when the handlers of the last one are done. */
  #checkTurn(message: Witnessed): void {
    const other = this.#running.get(pairOf(message));
    if (other && other !== message && !other.isForgiven && !message.isForgiven) {
      this.complaints.push(`"${message.text}" began while "${other.text}" was still handled`);
    }
    // Those that end by being set aside end unseen.
    if (message.temper !== "hopeless" && message.temper !== "deadly") this.#running.set(pairOf(message), message);
  }

  #complainOfState({ text, state, isForgiven }: Witnessed, next: MessageState): void {
    if (!isForgiven) this.complaints.push(`"${text}" was ${state ?? "unknown"} and then became ${next}`);
  }
}

function pairOf({ from, to }: Witnessed): string {
  return `${from}>${to}`;
}
