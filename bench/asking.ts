/** Asking: questions of one process to another, some at once, and how long the answers took. */
import type { OpenedPeer } from "../src/warren.ts";
import { textOf } from "./texts.ts";

const TEXT_BYTES = 100;

export interface Asking {
  readonly count: number;
  readonly inFlight: number;
}

export interface Answered {
  /** Of one answer, in µs. */
  readonly p50: number;
  readonly p99: number;
  /** Of all of them. */
  readonly ms: number;
}

/** Asks `count` questions, `inFlight` at once, and notes how long each took. */
export async function askAll({ count, inFlight }: Asking, ask: (text: string) => Promise<unknown>): Promise<Answered> {
  const texts = Array.from({ length: count }, (_, n) => textOf(n, TEXT_BYTES, true));
  const took: number[] = [];
  let next = 0;
  const began = performance.now();
  const askOn = async (): Promise<void> => {
    while (next < count) {
      const text = texts[next++] ?? "";
      const asked = performance.now();
      await ask(text);
      took.push(performance.now() - asked);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, askOn));
  const ms = performance.now() - began;
  took.sort((one, other) => one - other);
  const at = (share: number): number => (took[Math.floor(took.length * share)] ?? Number.NaN) * 1_000;
  return { p50: at(0.5), p99: at(0.99), ms };
}

/** Asks a peer that answers with the text of the question. */
export function askerOf(peer: OpenedPeer, id: string): (text: string) => Promise<void> {
  const waiting = new Map<string, () => void>();
  peer.on("message", ({ text }) => {
    waiting.get(text)?.();
    waiting.delete(text);
  });
  return (text) =>
    new Promise((resolve, reject) => {
      waiting.set(text, resolve);
      peer.send(id, text).catch(reject);
    });
}
