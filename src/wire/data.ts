/** Data: the part of a message that is for programs. One JSON object, bounded in bytes and in depth. */
import { describeError, WarrenError } from "../base/errors.ts";

/** Longest data of a message, in bytes of JSON: 32 KiB. */
export const MAX_DATA_BYTES = 32_768;
/** Objects and lists in each other, the outermost counted; deeper ones could end whoever walks through them. */
export const MAX_DATA_DEPTH = 32;

export type MessageData = Readonly<Record<string, unknown>>;

export function isData(value: unknown): value is MessageData {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  return isShallow(value, MAX_DATA_DEPTH) && Buffer.byteLength(JSON.stringify(value)) <= MAX_DATA_BYTES;
}

/** The data as it is kept. @throws {WarrenError} `MESSAGE_TOO_LARGE`; `FRAME_MALFORMED` for what is no data */
export function encodeData(data: MessageData): string {
  const json = toJson(data);
  const bytes = Buffer.byteLength(json);
  if (bytes > MAX_DATA_BYTES) {
    const limit = `at most ${MAX_DATA_BYTES} fit into a message`;
    throw new WarrenError("MESSAGE_TOO_LARGE", `the data of the message has ${bytes} bytes as JSON; ${limit}`);
  }
  if (!isData(JSON.parse(json))) {
    const wanted = `a JSON object, not over ${MAX_DATA_DEPTH} levels deep`;
    throw new WarrenError("FRAME_MALFORMED", `the data of the message is not as it should be: ${wanted} was expected`);
  }
  return json;
}

export function decodeData(json: string): MessageData {
  return JSON.parse(json) as MessageData; // only what `encodeData` or a checked frame gave is ever kept
}

function toJson(data: MessageData): string {
  try {
    return JSON.stringify(data) ?? "null";
  } catch (error) {
    throw new WarrenError("FRAME_MALFORMED", `the data of the message cannot be said in JSON: ${describeError(error)}`);
  }
}

function isShallow(value: unknown, depth: number): boolean {
  if (typeof value !== "object" || value === null) return true;
  if (depth === 0) return false;
  for (const inner of Object.values(value)) if (!isShallow(inner, depth - 1)) return false;
  return true;
}
