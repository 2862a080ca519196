/** Target: something that reads a stranger's bytes, how to run it, and what must hold whatever the bytes are. */
import { isWarrenError, type ErrorCode } from "../../src/base/errors.ts";

export interface Target {
  readonly name: string;
  readonly maxBytes: number;
  /** Valid inputs, from which the others are made. */
  readonly seeds: readonly string[];
  /** Words that mean something in these inputs. */
  readonly tokens: readonly string[];
  /**
   * Feeds the input to the code and says what was to be seen: each sight is a short text, and an input that shows a new one
   * is kept. Throws a `Broken` when something that must hold does not; any other exception is a finding too.
   */
  run(input: Uint8Array, see: (sight: string) => void): void | Promise<void>;
}

/** Something that must hold whatever a stranger sends does not. */
export class Broken extends Error {}

export function mustHold(condition: boolean, what: () => string): asserts condition {
  if (!condition) throw new Broken(what());
}

/** Ends an exception that is allowed, by making a sight of it; passes on every other one. */
export function seeRefusal(error: unknown, allowed: readonly ErrorCode[], see: (sight: string) => void): void {
  if (!isWarrenError(error, ...allowed)) throw error;
  see(`${error.code} ${shapeOf(error.message)}`);
}

/** A sentence without what differs from input to input: what it quotes, from the first quotation mark to the last, and numbers. */
export function shapeOf(text: string): string {
  return text
    .replace(/".*"/su, '"…"')
    .replace(/[^ -~…]+/gu, "?")
    .replace(/\d+/g, "#")
    .slice(0, 80);
}

/** The size of something, in steps that double: so that more of the same is no news for long. */
export function magnitude(count: number): number {
  return 32 - Math.clz32(count);
}
