/** Call data: a call and its answer, as they stand in the data of a message; see docs/protocol.md. */
import { MAX_REASON_LENGTH, MAX_TOKEN_LENGTH } from "../wire/frames.ts";
import type { MessageData } from "../wire/data.ts";

/** A command's name is three words at most. */
const MAX_COMMAND_LENGTH = 100;

export interface CallRequest {
  readonly command: string;
  /** By name; JSON. */
  readonly args: MessageData;
  /** The caller means it: a command that asks first need not ask. */
  readonly confirmed: boolean;
}

/** Why a command was not done, or failed. The code is one of docs/errors.md, or one that we do not know. */
export interface CallError {
  readonly code: string;
  readonly message: string;
}

export type CallAnswer = { readonly result: unknown } | { readonly error: CallError };

export function toRequestData({ command, args, confirmed }: CallRequest): MessageData {
  return { call: { command, args, ...(confirmed && { confirmed }) } };
}

/** Undefined where the message calls nothing, or says so in a way that means nothing. */
export function readRequest(data: MessageData | undefined): CallRequest | undefined {
  const call = record(data?.["call"]);
  const command = call?.["command"];
  const args = call?.["args"] === undefined ? {} : record(call["args"]);
  if (typeof command !== "string" || command.length > MAX_COMMAND_LENGTH || !args) return undefined;
  return { command, args, confirmed: call?.["confirmed"] === true };
}

/** Whether a direct message is the answer to a call and nothing else, so that it is never shown to anybody. */
export function isAnswer<Message extends { readonly room?: string; readonly re?: string; readonly data?: MessageData }>(
  message: Message,
): message is Message & { readonly re: string; readonly data: MessageData } {
  const { room, re, data } = message;
  if (data === undefined || re === undefined || room !== undefined) return false;
  return Object.hasOwn(data, "result") || Object.hasOwn(data, "error");
}

/** Of data for which `isAnswer` holds. */
export function readAnswer(data: MessageData): CallAnswer {
  if (Object.hasOwn(data, "result")) return { result: data["result"] };
  const { code, message } = record(data["error"]) ?? {};
  if (typeof code !== "string" || code.length > MAX_TOKEN_LENGTH || typeof message !== "string") {
    return { error: { code: "COMMAND_FAILED", message: "it gave no reason that can be read" } };
  }
  return { error: { code, message: message.slice(0, MAX_REASON_LENGTH) } };
}

function record(value: unknown): MessageData | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : undefined;
}
