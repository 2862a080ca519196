/** Lines: one direction of one connection, cut back into frames of one JSON object each. See docs/protocol.md. */
import { isUtf8 } from "node:buffer";
import { WarrenError } from "../base/errors.ts";

/** Longest line, in bytes, before the other side has said who it is: 4 KiB. */
export const MAX_HELLO_BYTES = 4_096;
/** Longest line, in bytes, that an authenticated peer may send: 256 KiB. */
export const MAX_FRAME_BYTES = 262_144;

const LINE_FEED = 10;
const BYTE_ORDER_MARK = 0xef; // its first byte; no JSON begins with it

export class LineReader {
  #held: Uint8Array[] = []; // the beginning of a line whose end has not come; never contains a line feed
  #heldBytes = 0; // 0 <= #heldBytes <= limit

  /**
   * Takes the next chunk and returns the first line alone with what follows it, or undefined while it has no end.
   * What follows is to be pushed once the limit that holds for it is known.
   *
   * @throws {WarrenError} like `push`
   */
  shift(chunk: Uint8Array, limit: number): { value: unknown; rest: Uint8Array } | undefined {
    const end = chunk.indexOf(LINE_FEED);
    if (end === -1) {
      this.#hold(chunk, limit);
      return undefined;
    }
    const [value] = this.push(chunk.subarray(0, end + 1), limit);
    return { value, rest: chunk.subarray(end + 1) };
  }

  /**
   * Takes the next chunk, of any size, and returns the values of the lines it completes, in order.
   * The values are `unknown`: `frames.ts` turns them into frames. The chunk may be reused by the caller afterwards.
   *
   * @throws {WarrenError} `FRAME_TOO_LARGE` as soon as the limit is passed, before the line is complete;
   *   `FRAME_MALFORMED` at the first line that is not JSON in UTF-8. The reader must not be used after either.
   */
  push(chunk: Uint8Array, limit: number): unknown[] {
    const end = chunk.lastIndexOf(LINE_FEED) + 1;
    if (end === 0) {
      this.#hold(chunk, limit);
      return [];
    }
    const whole = end === chunk.byteLength ? chunk : chunk.subarray(0, end);
    const count = countLines(whole, this.#heldBytes, limit);
    const lines = this.#take(whole);
    if (end < chunk.byteLength) this.#hold(chunk.subarray(end), limit);
    // Only whole lines are parsed: parseChunk would read an unfinished one again and again.
    const { values, error } = Bun.JSONL.parseChunk(lines);
    // It would put up with empty lines, an object of several lines, bytes that are no UTF-8, and a byte order mark in front.
    if (error || values.length < count || !isUtf8(lines) || lines[0] === BYTE_ORDER_MARK) {
      throw new WarrenError("FRAME_MALFORMED", `line ${values.length + 1} of this turn is not a JSON object`, {
        cause: error,
      });
    }
    return values;
  }

  #hold(bytes: Uint8Array, limit: number): void {
    if (this.#heldBytes + bytes.byteLength > limit) throw tooLarge(limit);
    this.#held.push(new Uint8Array(bytes)); // a copy, as the socket may reuse its buffer; slice() of a Buffer is none
    this.#heldBytes += bytes.byteLength;
  }

  #take(bytes: Uint8Array): Uint8Array {
    if (this.#heldBytes === 0) return bytes;
    const whole = Buffer.concat([...this.#held, bytes]);
    this.#held = [];
    this.#heldBytes = 0;
    return whole;
  }
}

/** How many bytes at the front of `bytes` are so many lines, or what there is of them, but no more than `maxBytes`. */
export function frontOf(bytes: Uint8Array, maxLines: number, maxBytes: number): number {
  let end = 0;
  for (let lines = 0; lines < maxLines; lines++) {
    const next = bytes.indexOf(LINE_FEED, end) + 1;
    if (next === 0 || next > maxBytes) return Math.min(bytes.byteLength, maxBytes);
    end = next;
  }
  return end;
}

/** How many lines end in `bytes`, none of them over the limit; the first one has begun `before` bytes earlier. */
function countLines(bytes: Uint8Array, before: number, limit: number): number {
  let count = 0;
  let start = -before;
  for (let end = bytes.indexOf(LINE_FEED); end !== -1; end = bytes.indexOf(LINE_FEED, end + 1)) {
    if (end - start > limit) throw tooLarge(limit);
    start = end + 1;
    count++;
  }
  return count;
}

function tooLarge(limit: number): WarrenError {
  return new WarrenError("FRAME_TOO_LARGE", `a line of over ${limit} bytes; the limit is ${limit}`);
}
