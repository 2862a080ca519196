/** The bytes of a connection, cut into lines and lines into frames. */
import { decodeFrame, encodeFrame, type Frame } from "../../../src/wire/frames.ts";
import { LineReader } from "../../../src/wire/lines.ts";
import { Dice } from "../random.ts";
import { magnitude, mustHold, seeRefusal, type Target } from "../target.ts";
import { FRAME_LINES, FRAME_TOKENS } from "./words.ts";

const LIMITS = [64, 256, 2_000];

/** Any stream, cut anywhere, reads the same, and as JSON.parse reads its lines. */
export const lines: Target = {
  name: "lines",
  maxBytes: 4_000,
  seeds: [FRAME_LINES.join(""), '{"a":1}\n{"b":[1,2,{"c":"é"}]}\n', '{"a":"\\u00e9\\n"}\r\n{}\n', '{"a":'],
  tokens: [...FRAME_TOKENS, "\n", "{}", "[]", "1", '"', " ", "\t", "}{", "},{"],
  run(input, see) {
    const dice = Dice.of(input);
    const limit = dice.pick(LIMITS);
    const whole = readAll([input], limit, see);
    const pieces = dice.cut(input);
    const inPieces = readAll(pieces, limit, see);
    see(`${magnitude(whole?.length ?? 0)} values in ${magnitude(pieces.length)} pieces`);
    mustHold((whole === undefined) === (inPieces === undefined), () => `it depends on the cuts whether it is refused`);
    mustHold(JSON.stringify(whole) === JSON.stringify(inPieces), () => "it depends on the cuts what is read");
    const expected = parsed(input, limit);
    if (expected) {
      mustHold(whole !== undefined, () => "lines of JSON objects are refused");
      mustHold(JSON.stringify(whole) === JSON.stringify(expected), () => "lines are not read as JSON.parse reads them");
    } else if (whole) {
      mustHold(!whole.every(isObject), () => "what is no line of JSON is read as one");
      see("not an object");
    }
  },
};

/** Any JSON is a frame or a FRAME_MALFORMED, and a frame comes back as it was sent. */
export const frames: Target = {
  name: "frames",
  maxBytes: 4_000,
  seeds: FRAME_LINES,
  tokens: FRAME_TOKENS,
  run(input, see) {
    let value: unknown;
    try {
      value = JSON.parse(Buffer.from(input).toString());
    } catch {
      return see("no JSON");
    }
    let frame: Frame | undefined;
    try {
      frame = decodeFrame(value);
    } catch (error) {
      return seeRefusal(error, ["FRAME_MALFORMED"], see);
    }
    if (!frame) return see("a frame of an unknown kind");
    see(`${frame.t} of ${magnitude(Object.keys(frame).length)} fields`);
    const again = encodeFrame(frame);
    mustHold(again.indexOf("\n") === again.length - 1, () => "a frame is one line");
    const back = decodeFrame(JSON.parse(again));
    mustHold(back !== undefined && encodeFrame(back) === again, () => "a frame does not come back as it was");
  },
};

function readAll(pieces: Uint8Array[], limit: number, see: (sight: string) => void): unknown[] | undefined {
  const reader = new LineReader();
  const values: unknown[] = [];
  try {
    for (const piece of pieces) {
      const lent = Buffer.from(piece); // as a socket gives it
      values.push(...reader.push(lent, limit));
      lent.fill(0); // the socket uses its buffer again
    }
    return values;
  } catch (error) {
    seeRefusal(error, ["FRAME_MALFORMED", "FRAME_TOO_LARGE"], see);
    return undefined;
  }
}

/** What the lines say, or undefined if one of them is too long or no JSON object in UTF-8. */
function parsed(input: Uint8Array, limit: number): unknown[] | undefined {
  const values: unknown[] = [];
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  const bytes = Buffer.from(input);
  for (let start = 0; start < bytes.byteLength;) {
    const feed = bytes.indexOf(10, start);
    const end = feed === -1 ? bytes.byteLength : feed;
    if (end - start > limit) return undefined;
    if (feed === -1) break;
    try {
      const value: unknown = JSON.parse(decoder.decode(bytes.subarray(start, end)));
      if (!isObject(value)) return undefined;
      values.push(value);
    } catch {
      return undefined;
    }
    start = feed + 1;
  }
  return values;
}

function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
