/** Recorder: appends what happens to a bot to a file of its own, which a kill leaves whole but for its last line. */
import {
  appendFileSync,
  closeSync,
  fchmodSync,
  fstatSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
} from "node:fs";
import { dirname } from "node:path";
import { describeError, WarrenError } from "../base/errors.ts";
import type { Clock } from "../base/world.ts";
import { MAX_RECORDING_BYTES, type Recorded } from "./recording.ts";

/** The beginning of the line that says that there is no more. */
const FULL_BEFORE_TIME = '{"t":"full","at":';

export interface RecorderOptions {
  readonly clock: Clock;
  /** Covers the secrets in a text. */
  readonly conceal: (text: string) => string;
  /** Told once, when the recording ends before the bot does. */
  readonly warn: (text: string) => void;
  /** Default `MAX_RECORDING_BYTES`. */
  readonly maxBytes?: number;
}

export class Recorder implements Disposable {
  /** Nothing was recorded here before. */
  readonly isNew: boolean;
  readonly #path: string;
  readonly #options: Required<RecorderOptions>;
  #file: number | undefined;
  #bytes: number;

  /** @throws {WarrenError} `RECORDING_FAILED` when the file cannot be written */
  constructor(path: string, options: RecorderOptions) {
    this.#path = path;
    this.#options = { maxBytes: MAX_RECORDING_BYTES, ...options };
    try {
      mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
      this.#file = openSync(path, "a", 0o600);
      fchmodSync(this.#file, 0o600);
      const { bytes, isFull } = cutTornLine(path, this.#file);
      this.#bytes = bytes;
      if (isFull) this.#end(`${path} had reached its bound before: nothing more is recorded`);
    } catch (error) {
      this[Symbol.dispose]();
      const message = `${path} cannot be written (${describeError(error)}): give another folder with --record`;
      throw new WarrenError("RECORDING_FAILED", message, { cause: error });
    }
    this.isNew = this.#bytes === 0;
  }

  /** Never throws: a bot is not to fail because it is looked at. */
  write(recorded: Recorded): void {
    if (this.#file === undefined) return;
    const { clock, conceal, maxBytes } = this.#options;
    const covered = (_: string, value: unknown): unknown => (typeof value === "string" ? conceal(value) : value);
    try {
      const line = `${JSON.stringify({ ...recorded, at: clock.now() }, covered)}\n`;
      const bytes = Buffer.byteLength(line);
      if (this.#bytes + bytes > maxBytes) {
        appendFileSync(this.#file, `${FULL_BEFORE_TIME}${clock.now()}}\n`);
        return this.#end(`${this.#path} has ${maxBytes} bytes: nothing more is recorded`);
      }
      appendFileSync(this.#file, line);
      this.#bytes += bytes;
    } catch (error) {
      this.#end(`${this.#path} cannot be written (${describeError(error)}): nothing more is recorded`);
    }
  }

  [Symbol.dispose](): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }

  #end(why: string): void {
    this[Symbol.dispose]();
    this.#options.warn(why);
  }
}

/** Takes away what a crash has left half written, so that the next line stands for itself. */
function cutTornLine(path: string, file: number): { bytes: number; isFull: boolean } {
  const { size } = fstatSync(file);
  if (size === 0) return { bytes: 0, isFull: false };
  const text = readFileSync(path);
  const bytes = text.lastIndexOf("\n") + 1;
  if (bytes < size) ftruncateSync(file, bytes);
  const last = text.subarray(0, bytes).toString().trimEnd().split("\n").at(-1) ?? "";
  return { bytes, isFull: last.startsWith(FULL_BEFORE_TIME) };
}
