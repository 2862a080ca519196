/** Leaks: what a bot began and its end did not end. Bun lists no open handles, so what begins one is watched while a kit is there. */
import { AsyncLocalStorage } from "node:async_hooks";
import { standIn } from "../base/stand-in.ts";
import type { Clock } from "../base/world.ts";
import type { Peer } from "../peer/peer.ts";

interface Begun {
  /** `setInterval at bots/dice.ts:12:5`. */
  readonly what: string;
  isOver(): boolean;
}

/** The bot because of whose doing whatever runs now runs. */
const owner = new AsyncLocalStorage<Begun[]>();

const ENDS = ["stop", Symbol.dispose, Symbol.asyncDispose] as const;

/** What is watched, and how it is seen that it is over. */
const WATCHED: readonly [place: object, name: string, over: (result: object) => () => boolean][] = [
  [globalThis, "setTimeout", isDestroyed],
  [globalThis, "setInterval", isDestroyed],
  [Bun, "serve", isStopped],
  [Bun, "listen", isStopped],
  [Bun, "spawn", hasExited],
];

/** Runs what a bot has set off, and what is not its own. */
export function outsideOfBots<Result>(run: () => Result): Result {
  return owner.exit(run);
}

/** How many watches there are, and how to give back what they have replaced when the last one ends. */
let watches = 0;
let restore: (() => void)[] = [];

/** Watches what bots begin, in all of the process; ends with its kit. */
export class LeakWatch implements Disposable {
  readonly #begun = new Map<string, Begun[]>(); // by bot
  #isOver = false;

  constructor() {
    if (watches++ === 0) restore = WATCHED.map(([place, name, over]) => watch(place, name, over));
  }

  /** Runs something of a bot: whatever it begins, now or later, is its own. */
  within<Result>(bot: string, run: () => Result): Result {
    const begun = this.#begun.get(bot) ?? [];
    this.#begun.set(bot, begun);
    return owner.run(begun, run);
  }

  /** The peer as a bot is given it: what comes from it, and the timers of its clock, run within the bot. */
  around(bot: string, peer: Peer): Peer {
    const clock = this.#clockOf(bot, peer.world.clock);
    return standIn(peer, {
      world: { ...peer.world, clock },
      on: (event: "message", handler: (...args: unknown[]) => unknown) =>
        peer.on(event, (...args) => this.within(bot, () => untilDone(`a listener to "${event}"`, handler(...args)))),
    });
  }

  /** A bot's process was killed: what it had begun is gone with it. */
  forget(bot: string): void {
    this.#begun.delete(bot);
  }

  /** What a bot has begun and is not over, in the order in which it began. */
  leaks(bot: string): string[] {
    return (this.#begun.get(bot) ?? []).filter((one) => !one.isOver()).map(({ what }) => what);
  }

  [Symbol.dispose](): void {
    if (this.#isOver) return;
    this.#isOver = true;
    if (--watches === 0) for (const giveBack of restore.splice(0)) giveBack();
  }

  #clockOf(bot: string, clock: Clock): Clock {
    return {
      now: () => clock.now(),
      steady: () => clock.steady(),
      soon: (task) => clock.soon(() => this.within(bot, task)),
      after: (ms, task) => {
        const state = { isOver: false };
        const timer = clock.after(ms, () => {
          state.isOver = true;
          this.within(bot, task);
        });
        this.within(bot, () => note("a timer of the kit's clock", () => state.isOver));
        return {
          [Symbol.dispose]() {
            state.isOver = true;
            timer[Symbol.dispose]();
          },
        };
      },
    };
  }
}

function watch(place: object, name: string, over: (result: object) => () => boolean): () => void {
  const original: unknown = Reflect.get(place, name);
  if (typeof original !== "function") return () => {};
  const watching = (...args: unknown[]): unknown => {
    const result: unknown = Reflect.apply(original, place, args);
    if (owner.getStore() && typeof result === "object" && result !== null) note(`${name}${caller()}`, over(result));
    return result;
  };
  Reflect.set(place, name, Object.setPrototypeOf(watching, original)); // what else the original has is there too
  return () => void Reflect.set(place, name, original);
}

function note(what: string, isOver: () => boolean): void {
  const begun = owner.getStore();
  if (!begun) return;
  const open = begun.filter((one) => !one.isOver());
  begun.splice(0, begun.length, ...open, { what, isOver });
}

function untilDone(what: string, result: unknown): unknown {
  if (!(result instanceof Promise)) return result;
  const state = { isOver: false };
  const end = (): void => void (state.isOver = true);
  result.then(end, end);
  note(`${what}, which still runs`, () => state.isOver);
  return result;
}

function isDestroyed(timer: object): () => boolean {
  return () => Reflect.get(timer, "_destroyed") === true;
}

function isStopped(server: object): () => boolean {
  let isOver = false;
  for (const key of ENDS) {
    const end: unknown = Reflect.get(server, key);
    if (typeof end !== "function") continue;
    Reflect.set(server, key, (...args: unknown[]): unknown => {
      isOver = true;
      return Reflect.apply(end, server, args);
    });
  }
  return () => isOver || Reflect.get(server, "port") === 0; // `using` ends a server past these
}

function hasExited(child: object): () => boolean {
  return () => ["exitCode", "signalCode"].some((key) => (Reflect.get(child, key) ?? null) !== null);
}

/** Where the call came from: the first line of the stack that is not in this file. */
function caller(): string {
  const lines = new Error("where").stack?.split("\n").slice(1) ?? [];
  const place = lines.find((line) => !line.includes(import.meta.path))?.match(/([^\s(]+:\d+:\d+)\)?$/)?.[1];
  return place === undefined ? "" : ` at ${place.replace(`${process.cwd()}/`, "")}`;
}
