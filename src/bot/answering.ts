/** Answering: what a bot does with the call of a program. Its answer is one message, with the result or with the reason why there is none. */
import { describeError, isWarrenError } from "../base/errors.ts";
import type { CallAnswer, CallRequest } from "../peer/call-data.ts";
import { joinPieces } from "../peer/pieces.ts";
import { decodeData, encodeData, type MessageData } from "../wire/data.ts";
import { MAX_REASON_LENGTH } from "../wire/frames.ts";
import { botMessage } from "./bot-message.ts";
import { type Layer, runOnion } from "./onion.ts";
import type { BotMessage } from "./plugin.ts";
import { traced } from "./trace.ts";

/** Longest text of an answer; it is for people, and the rest of it is left out. */
const MAX_TEXT_CHARACTERS = 10_000;

export interface Answering {
  /** The hooks that see messages before the commands do. */
  readonly before: Iterable<Layer<BotMessage>>;
  command(message: BotMessage, request: CallRequest): Promise<CallAnswer>;
  /** Sends the answer. */
  answer(text: string, data: MessageData): Promise<void>;
  /** Whether it only failed because the bot ends: then the call is handled again, perhaps by newer code. */
  isEnd(error: unknown): boolean;
  /** Something of the bot failed: its author is told. */
  failed(error: unknown): void;
  conceal(text: string): string;
}

/**
 * Runs the command. What it says with `reply` meanwhile is the text of the answer, not a message of its own: the caller is a
 * program, whose hooks would take it for something that was said to them. A command that gives nothing back gives what it has said.
 *
 * Throws what means that the call will be handled again: `CLOSED`, `STORE_FAILED`, and the end of the bot.
 */
export async function answerCall(message: BotMessage, request: CallRequest, host: Answering): Promise<void> {
  const said: string[] = [];
  let isAnswered = false;
  const collect: BotMessage["reply"] = async (text) => {
    if (isAnswered) return await message.reply(text);
    said.push(typeof text === "string" ? text : await joinPieces(text));
    return undefined;
  };
  const collecting = botMessage(message, () => message.signal, collect);
  let answer: CallAnswer | undefined;
  const take = traced<BotMessage>("commands", async (taken) => void (answer = await host.command(taken, request)));
  try {
    await runOnion([...host.before, take], collecting);
  } catch (error) {
    if (isWarrenError(error, "CLOSED", "STORE_FAILED") || host.isEnd(error)) throw error;
    host.failed(error);
    answer = failure(host.conceal(describeError(error)));
  }
  const words = said.join("\n").slice(0, MAX_TEXT_CHARACTERS);
  answer ??= { error: { code: "COMMAND_DENIED", message: words || "the bot let nobody do it" } };
  const data = toData(answer, words);
  isAnswered = true;
  await host.answer(words || inWords(data), data);
}

/** What cannot be sent is a failure, too: of one that would never end, the caller would learn nothing. */
function toData(answer: CallAnswer, words: string): MessageData {
  if ("error" in answer) {
    const { code, message } = answer.error;
    return { error: { code, message: message.slice(0, MAX_REASON_LENGTH) } };
  }
  try {
    const data = decodeData(encodeData({ result: answer.result ?? (words || null) }));
    return "result" in data ? data : { result: null }; // JSON says nothing of functions
  } catch (error) {
    return toData(failure(`its result cannot be sent: ${describeError(error)}`), words);
  }
}

function failure(message: string): CallAnswer {
  return { error: { code: "COMMAND_FAILED", message } };
}

function inWords(data: MessageData): string {
  const { error, result } = data as { error?: { message: string }; result?: unknown }; // made by `toData`
  return error?.message ?? (result === null ? "done" : JSON.stringify(result).slice(0, MAX_TEXT_CHARACTERS));
}
