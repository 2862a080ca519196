/** Pieces: a text that comes bit by bit, and is one text in the end. */
import { WarrenError } from "../base/errors.ts";
import { MAX_TEXT_BYTES } from "../wire/frames.ts";

/**
 * All of a text; `grown` is told of it after each piece. Whatever brings the pieces may end when one of them is not taken.
 *
 * @throws {WarrenError} `MESSAGE_TOO_LARGE` as soon as it does not fit into a message; `USAGE` for a piece that is no text; and
 *   what the pieces and `grown` throw
 */
export async function joinPieces(
  pieces: AsyncIterable<unknown>,
  grown: (whole: string) => void = () => {},
): Promise<string> {
  let whole = "";
  let bytes = 0;
  for await (const piece of pieces) {
    if (typeof piece !== "string") {
      throw new WarrenError("USAGE", `a reply came in pieces of type ${typeof piece}: texts were expected`);
    }
    whole += piece;
    bytes += Buffer.byteLength(piece);
    if (bytes > MAX_TEXT_BYTES) {
      const limit = `at most ${MAX_TEXT_BYTES} fit into a message`;
      throw new WarrenError("MESSAGE_TOO_LARGE", `the text has ${bytes} bytes so far; ${limit}`);
    }
    grown(whole);
  }
  return whole;
}

/** Nobody reads them: whatever brings them may end. */
export async function abandonPieces(pieces: AsyncIterable<unknown>): Promise<void> {
  await pieces[Symbol.asyncIterator]().return?.();
}

/** The same pieces; `listener` is told each of them. No generator: one that nobody began to read would not let go of them. */
export function overhearPieces(
  pieces: AsyncIterable<string>,
  listener: (piece: string) => void,
): AsyncIterable<string> {
  return {
    [Symbol.asyncIterator]() {
      const reading = pieces[Symbol.asyncIterator]();
      return {
        async next() {
          const step = await reading.next();
          if (!step.done) listener(step.value);
          return step;
        },
        return: async () => (await reading.return?.()) ?? { done: true, value: undefined },
      };
    },
  };
}
