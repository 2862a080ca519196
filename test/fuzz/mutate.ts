/** Mutations: an input becomes another one that is nearly as valid. */
import type { Dice } from "./random.ts";

export interface MutationMaterial {
  readonly tokens: readonly string[];
  /** Any other input. */
  readonly other: () => Uint8Array;
  readonly maxBytes: number;
}

type Mutation = (input: Buffer, dice: Dice, material: MutationMaterial) => Uint8Array;

/** One change most of the time, now and then several on top of each other. */
export function mutate(input: Uint8Array, dice: Dice, material: MutationMaterial): Uint8Array {
  let mutated = Buffer.from(input);
  do {
    mutated = Buffer.from(dice.pick(MUTATIONS)(mutated, dice, material)).subarray(0, material.maxBytes);
  } while (dice.chance(0.4));
  return mutated;
}

const EDGES = "0 1 -1 2 15 16 17 63 64 65 255 1024 1025 4096 32767 65535 65536 2147483648 4294967296".split(" ");
const BIG_EDGES = "9007199254740991 9007199254740992 18446744073709551616 1e308 1e999 -0 0.5 1e-7 00 0x10".split(" ");
const NUMBERS = [...EDGES, ...BIG_EDGES];

const PLAIN = [null, true, false, 0, 1, -1, 0.5, 2 ** 53 - 1, 2 ** 53, 1e308, "", "a", "-", "\u0000", "\ud83d", "é€😀"];
const HOLDERS = [[], {}, [[]], [[1, 1]], [1, 2]];
const LONG = ["x".repeat(64), "x".repeat(65), "a".repeat(501), "é".repeat(33)];
const VALUES: readonly unknown[] = [...PLAIN, ...HOLDERS, ...LONG];
const KEYS = ["t", "n", "id", "__proto__", "constructor", "toString", "length", "then", "", "0", "toJSON"];

/** Bytes that are no UTF-8: cut short, too long, a surrogate, beyond the last one, a lone continuation. */
const NOT_UTF8 = [[0xc3], [0xc0, 0xaf], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0x80], [0xff], [0xe2, 0x82]];
const ODD = [
  "\u0000",
  "\r",
  "\r\n",
  "\n\n",
  "\u2028",
  "\u202e",
  "\ufeff",
  "\u001b[2J",
  "\\",
  '"',
  "\\u0000",
  "\\ud800",
];

const MUTATIONS: readonly Mutation[] = [
  (input, dice) => changed(input, dice, (byte) => byte ^ (1 << dice.below(8))),
  (input, dice) => changed(input, dice, () => dice.below(256)),
  (input, dice) => spliced(input, ...span(input, dice), ""), // some of it is gone
  (input, dice) => spliced(input, place(input, dice), 0, input.subarray(...ends(input, dice))), // some of it twice
  (input, dice) => spliced(input, ...span(input, dice), input.subarray(...ends(input, dice))),
  (input, dice, { tokens }) => spliced(input, place(input, dice), 0, dice.pick(tokens)),
  (input, dice, { tokens }) => spliced(input, ...span(input, dice), dice.pick(tokens)),
  (input, dice) => spliced(input, place(input, dice), 0, dice.pick(ODD)),
  (input, dice) => spliced(input, place(input, dice), 0, Buffer.from(dice.pick(NOT_UTF8))),
  (input, dice, { other }) => Buffer.concat([input.subarray(0, place(input, dice)), tail(other(), dice)]),
  (input, dice, { other }) => spliced(input, lineStart(input, dice), 0, someLines(other(), dice)),
  (input, dice) => withoutLine(input, dice),
  (input, dice) => withOtherNumber(input, dice),
  (input, dice) => withOtherNumber(input, dice),
  (input, dice) => withOtherJson(input, dice),
  (input, dice) => withOtherJson(input, dice),
  (input, dice) => withOtherJson(input, dice),
  (input, dice, { maxBytes }) => (dice.chance(0.1) ? nested(input, dice, maxBytes) : input),
  (input, dice, { maxBytes }) => (dice.chance(0.1) ? repeated(input, dice, maxBytes) : input),
];

function place(input: Buffer, dice: Dice): number {
  return dice.below(input.byteLength + 1);
}

function span(input: Buffer, dice: Dice): [start: number, length: number] {
  const start = place(input, dice);
  return [start, dice.length(Math.max(1, input.byteLength - start))];
}

function ends(input: Buffer, dice: Dice): [start: number, end: number] {
  const [start, length] = span(input, dice);
  return [start, start + length];
}

function spliced(input: Buffer, start: number, count: number, insert: string | Uint8Array): Uint8Array {
  const piece = typeof insert === "string" ? Buffer.from(insert) : insert;
  return Buffer.concat([input.subarray(0, start), piece, input.subarray(start + count)]);
}

function changed(input: Buffer, dice: Dice, change: (byte: number) => number): Uint8Array {
  if (input.byteLength === 0) return input;
  const at = dice.below(input.byteLength);
  input[at] = change(input[at] ?? 0);
  return input;
}

function tail(bytes: Uint8Array, dice: Dice): Uint8Array {
  return bytes.subarray(dice.below(bytes.byteLength + 1));
}

function lineStart(input: Buffer, dice: Dice): number {
  return input.lastIndexOf(10, place(input, dice)) + 1;
}

function someLines(bytes: Uint8Array, dice: Dice): Uint8Array {
  const input = Buffer.from(bytes);
  const start = lineStart(input, dice);
  const end = input.indexOf(10, start + dice.length(Math.max(1, input.byteLength - start)));
  return end === -1 ? input.subarray(start) : input.subarray(start, end + 1);
}

function withoutLine(input: Buffer, dice: Dice): Uint8Array {
  const start = lineStart(input, dice);
  const end = input.indexOf(10, start);
  return end === -1 ? input : spliced(input, start, end + 1 - start, "");
}

function withOtherNumber(input: Buffer, dice: Dice): Uint8Array {
  const numbers = [...input.toString("latin1").matchAll(/-?\d+/g)];
  if (numbers.length === 0) return input;
  const { 0: digits, index } = dice.pick(numbers);
  const near = String(Number(digits) + dice.below(5) - 2);
  return spliced(input, index, digits.length, dice.chance(0.5) ? near : dice.pick(NUMBERS));
}

/** A line that is JSON gets another value, or another key, somewhere inside. */
function withOtherJson(input: Buffer, dice: Dice): Uint8Array {
  const start = lineStart(input, dice);
  const feed = input.indexOf(10, start);
  const end = feed === -1 ? input.byteLength : feed;
  if (end - start > 20_000) return input;
  let value: unknown;
  try {
    value = JSON.parse(input.toString("utf8", start, end));
  } catch {
    return input; // not every line is JSON
  }
  const holders: Record<string, unknown>[] = [];
  collect(value, holders);
  const holder = holders[dice.below(holders.length)];
  if (!holder) return input;
  const keys = Object.keys(holder);
  const key = keys.length > 0 && dice.chance(0.9) ? dice.pick(keys) : dice.pick(KEYS);
  const fresh = (): unknown => (dice.chance(0.3) ? dice.pick(holders) : dice.pick(VALUES));
  const change = dice.below(8);
  try {
    if (change === 0) Reflect.deleteProperty(holder, key);
    else define(holder, change === 1 ? dice.pick(KEYS) : key, structuredClone(change === 2 ? holder[key] : fresh()));
    return spliced(input, start, end - start, JSON.stringify(value));
  } catch {
    return input; // nested too deeply to be copied or written
  }
}

/** Every object and list in it, itself included. */
function collect(value: unknown, holders: Record<string, unknown>[]): void {
  if (typeof value !== "object" || value === null || holders.length > 200) return;
  holders.push(value as Record<string, unknown>);
  for (const inner of Object.values(value)) collect(inner, holders);
}

/** Also a key `__proto__`, as JSON.parse makes it. */
function define(holder: object, key: string, value: unknown): void {
  if (Array.isArray(holder) && !/^\d{1,3}$/.test(key)) holder.push(value);
  else Object.defineProperty(holder, key, { value, enumerable: true, configurable: true, writable: true });
}

function nested(input: Buffer, dice: Dice, maxBytes: number): Uint8Array {
  const depth = dice.length(maxBytes);
  const [open, close] = dice.pick([
    ["[", "]"],
    ['{"a":', "}"],
    ["[", ""],
    ['"', '"'],
    ["--", ""],
  ] as const);
  const at = place(input, dice);
  return spliced(
    input,
    at,
    0,
    open.repeat(depth / open.length) + (dice.chance(0.5) ? "1" : "") + close.repeat(depth / open.length),
  );
}

function repeated(input: Buffer, dice: Dice, maxBytes: number): Uint8Array {
  const [start, end] = ends(input, dice);
  const piece = input.subarray(start, end);
  if (piece.byteLength === 0) return input;
  const times = Math.min(dice.length(maxBytes), Math.floor(maxBytes / piece.byteLength));
  return spliced(input, end, 0, Buffer.alloc(piece.byteLength * times, piece));
}
