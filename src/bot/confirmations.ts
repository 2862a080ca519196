/** Confirmations: what is done only after a "yes". The question is kept, so that it outlives a restart of the bot. */
import type { Clock } from "../base/world.ts";
import type { Table } from "../peer/tables.ts";
import type { BotMessage } from "./plugin.ts";

/** How long there is to say yes. */
export const ANSWER_WITHIN_MS = 60_000;

/** The last thing that somebody was asked; one row for each who was ever asked. */
export interface Question {
  readonly command: string;
  /** What was typed, by argument; peers by their ids, so that a "yes" is about the same ones. */
  readonly values: Record<string, unknown>;
  /** Ids of the messages that led to the question and that answered it. */
  readonly askedBy: string;
  readonly answeredBy?: string;
  /** Epoch ms. */
  readonly until: number;
}

export type Answer = { kind: "none" } | { kind: "yes" | "no" | "late"; question: Question };

export class Confirmations {
  readonly #questions: Table<Question>;
  readonly #clock: Clock;

  constructor(questions: Table<Question>, clock: Clock) {
    this.#questions = questions;
    this.#clock = clock;
  }

  async ask(message: BotMessage, text: string, { command, values }: Pick<Question, "command" | "values">) {
    const until = this.#clock.now() + ANSWER_WITHIN_MS;
    await this.#questions.set(message.from.id, { command, values, askedBy: message.id, until });
    const how = message.room === undefined ? "yes or no" : 'say "yes" or "no" to me alone';
    await message.reply(`${text} (${how}, within ${ANSWER_WITHIN_MS / 1_000} s)`);
  }

  /** What the message says to the question that its sender was asked; a question is answered once. */
  async read(message: BotMessage): Promise<Answer> {
    const question = message.room === undefined ? this.#questions.get(message.from.id) : undefined;
    // A message that is handed out again after a crash is neither its own answer, nor is its answer forgotten.
    if (!question || question.askedBy === message.id) return { kind: "none" };
    if ((question.answeredBy ?? message.id) !== message.id) return { kind: "none" };
    const word = message.text.trim().toLowerCase();
    const isLate = question.answeredBy === undefined && this.#clock.now() > question.until;
    if (isLate && word !== "yes" && word !== "no") return { kind: "none" };
    await this.#questions.set(message.from.id, { ...question, answeredBy: message.id });
    return { kind: isLate ? "late" : word === "yes" ? "yes" : "no", question };
  }
}
