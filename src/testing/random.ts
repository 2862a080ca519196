/** Random numbers that come out the same again. */
import { TOKEN_ALPHABET } from "../base/world.ts";

/** Uniform in [0, 1), the same sequence for the same seed. Source: mulberry32 by T. Ettinger, public domain, 2017. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Tokens of the same shape as those of `World.token`. */
export function seededToken(random: () => number): (length?: number) => string {
  return (length = 16) =>
    Array.from({ length }, () => TOKEN_ALPHABET[Math.floor(random() * TOKEN_ALPHABET.length)]).join("");
}
