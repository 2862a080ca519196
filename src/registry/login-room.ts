/**
 * Login room: how many logins are checked at once. Each costs two signatures and a write; beyond the bound a crowd is asked to
 * come again, everybody at another moment, so that those inside are done in time.
 */
import type { World } from "../base/world.ts";

/** Who is turned away comes again within so long, at random. */
export const LOGIN_RETURN_MS = 10_000;
const LEAST_MS = 500;

export class LoginRoom {
  readonly #world: World;
  readonly #places: number;
  #taken = 0; // 0 <= #taken <= #places

  constructor(world: World, places: number) {
    this.#world = world;
    this.#places = places;
  }

  /** Undefined where there was no place; else to be disposed of when the login is done. */
  enter(): Disposable | undefined {
    if (this.#taken >= this.#places) return undefined;
    this.#taken++;
    return { [Symbol.dispose]: () => void this.#taken-- };
  }

  /** When whoever found no place should come again, in ms. */
  returnMs(): number {
    return Math.floor(LEAST_MS + this.#world.random() * (LOGIN_RETURN_MS - LEAST_MS));
  }
}
