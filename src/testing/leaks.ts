/** Leaks: what a bot began and its end did not end. Bun lists no open handles, so what begins one is watched while a kit is there. */
import { AsyncLocalStorage } from "node:async_hooks";
import { standIn } from "../base/stand-in.ts";
import type { Clock } from "../base/world.ts";
import type { Dialog } from "../bot/dialog.ts";
import type { Duration } from "../bot/duration.ts";
import type { CronOptions, RecurringOptions } from "../bot/job.ts";
import type { Bot, Plugin } from "../bot/plugin.ts";
import type { Peer } from "../peer/peer.ts";
import { watchBeginnings } from "./beginnings.ts";

interface Begun {
  /** `setInterval at bots/dice.ts:12:5`. */
  readonly what: string;
  isOver(): boolean;
}

/** What a bot does when its time has come. */
type Doing = (...args: unknown[]) => unknown;

/** The bot because of whose doing whatever runs now runs. */
const owner = new AsyncLocalStorage<Begun[]>();

/** Runs what a bot has set off, and what is not its own. */
export function outsideOfBots<Result>(run: () => Result): Result {
  return owner.exit(run);
}

/** How many watches there are, and how to give back what they have replaced when the last one ends. */
let watches = 0;
let endWatch = (): void => {};

/** Watches what bots begin, in all of the process; ends with its kit. */
export class LeakWatch implements Disposable {
  readonly #begun = new Map<string, Begun[]>(); // by bot
  #isOver = false;

  constructor() {
    if (watches++ === 0) endWatch = watchBeginnings(noteBeginning);
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

  /** The plugin itself: what it registers to be done later is seen to end. */
  of(plugin: Plugin): Plugin {
    return standIn(plugin, {
      setup: (bot: Bot) =>
        plugin.setup(
          standIn(bot, {
            dialog: (name: string, run: (dialog: Dialog) => unknown) =>
              bot.dialog(name, (dialog) => {
                const steps = { open: 0 };
                const doing = (): unknown => run(counted(dialog, steps));
                return this.within(plugin.name, () => untilDone(`the dialog "${name}"`, doing(), () => steps.open > 0));
              }),
            job: (name: string, run: Doing, options?: never) =>
              bot.job(name, this.#untilDone(plugin, `the job "${name}"`, run), options),
            every: (interval: Duration, run: Doing, options?: RecurringOptions) =>
              bot.every(interval, this.#untilDone(plugin, `what is done every ${interval}`, run), options),
            cron: (expression: string, run: Doing, options?: CronOptions) =>
              bot.cron(expression, this.#untilDone(plugin, `what is done at ${expression}`, run), options),
          }),
        ),
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
    if (--watches === 0) endWatch();
  }

  #untilDone({ name }: Plugin, what: string, run: Doing): Doing {
    return (...args) => this.within(name, () => untilDone(what, run(...args)));
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

function noteBeginning(name: string, isOver: () => boolean): void {
  if (owner.getStore()) note(`${name}${caller()}`, isOver);
}

function note(what: string, isOver: () => boolean): void {
  const begun = owner.getStore();
  if (!begun) return;
  const open = begun.filter((one) => !one.isOver());
  begun.splice(0, begun.length, ...open, { what, isOver });
}

/** `isWaiting`: it waits for something that its end has made it wait for in vain, and does nothing. */
function untilDone(what: string, result: unknown, isWaiting = () => false): unknown {
  if (!(result instanceof Promise)) return result;
  const state = { isOver: false };
  const end = (): void => void (state.isOver = true);
  result.then(end, end);
  note(`${what}, which still runs`, () => state.isOver || isWaiting());
  return result;
}

/** A dialog whose steps that are open are counted, but for those in which it does something of its own. */
function counted(dialog: Dialog, steps: { open: number }): Dialog {
  const count = async <Result>(change: 1 | -1, act: () => Promise<Result> | Result): Promise<Result> => {
    steps.open += change;
    try {
      return await act();
    } finally {
      steps.open -= change;
    }
  };
  return standIn(dialog, {
    ask: (...step: Parameters<Dialog["ask"]>) => count(1, () => dialog.ask(...step)),
    choose: (...step: Parameters<Dialog["choose"]>) => count(1, () => dialog.choose(...step)),
    say: (...step: [string, string]) => count(1, () => dialog.say(...step)),
    once: (step: string, effect: () => unknown) => count(1, () => dialog.once(step, () => count(-1, effect))),
  });
}

/** Where the call came from: the first line of the stack that is of neither the kit nor the runtime. */
function caller(): string {
  const lines = new Error("where").stack?.split("\n").slice(1) ?? [];
  const places = lines.flatMap((line) => /([^\s(]+:\d+:\d+)\)?$/.exec(line)?.[1] ?? []);
  const place = places.find((one) => !one.startsWith(`${import.meta.dir}/`) && !/^(?:node|bun|internal):/.test(one));
  return place === undefined ? "" : ` at ${place.replace(`${process.cwd()}/`, "")}`;
}
