import { expect, test } from "bun:test";
import { createLog } from "../../src/base/log.ts";
import { MemoryBound } from "../../src/bot/memory-bound.ts";
import { ManualClock } from "../../src/testing/manual-clock.ts";

const MIB = 2 ** 20;

/** A process that uses 50 MiB at its start, and whose bots may use 100 MiB more. `silent`: since when, in steady ms. */
function bind(heaps: Record<string, number>, silent: Record<string, number> = {}) {
  const clock = new ManualClock();
  const state = { usedBytes: 50 * MIB };
  const fallen: string[] = [];
  const lines: string[] = [];
  const users = Object.entries(heaps).map(([name, mib]) => ({
    heapBytes: mib * MIB,
    isSilent: false,
    heardAt: silent[name] ?? 0,
    ask() {
      this.isSilent = name in silent;
    },
    fell: (cause: string) => void fallen.push(`${name}: ${cause}`),
  }));
  const log = createLog("bots", (_, __, text) => void lines.push(text));
  const bound = new MemoryBound({ bytes: 100 * MIB, clock, log, users: () => users, usedBytes: () => state.usedBytes });
  return { clock, state, fallen, lines, bound };
}

test("within the bound nobody is ended, and past it the one that holds the most", async () => {
  const { clock, state, fallen } = bind({ small: 20, big: 70 });
  state.usedBytes = 150 * MIB;
  await clock.advance(5_000);
  expect(fallen).toEqual([]);
  state.usedBytes = 151 * MIB;
  await clock.advance(1_100);
  expect(fallen).toEqual([
    "big: the bots use 151 MiB of memory together; at most 150 MiB was expected, and this one holds 70 MiB, the most " +
      "(--memory sets the bound)",
  ]);
});

test("one that does not answer is suspected first: what it said last may be old", async () => {
  const { clock, state, fallen } = bind({ small: 1, big: 70 }, { small: 0 });
  state.usedBytes = 500 * MIB;
  await clock.advance(1_100);
  expect(fallen).toEqual([expect.stringMatching(/^small: .* this one does not answer/)]);
});

test("one that is known to hold most of it is ended, though another is late with its answer", async () => {
  const { clock, state, fallen } = bind({ small: 1, big: 70 }, { small: 0 });
  state.usedBytes = 170 * MIB;
  await clock.advance(1_100);
  expect(fallen).toEqual([expect.stringMatching(/^big: .* this one holds 70 MiB/)]);
});

test("of several that do not answer, it is the one that was heard the longest ago", async () => {
  const { clock, state, fallen } = bind({ late: 60, lost: 1 }, { late: 900, lost: 100 });
  state.usedBytes = 500 * MIB;
  await clock.advance(1_100);
  expect(fallen).toEqual([expect.stringMatching(/^lost: /)]);
});

test("a bot that takes memory is found soon, and the next one only when what it had is given back", async () => {
  const { clock, state, fallen } = bind({ big: 70 });
  state.usedBytes = 151 * MIB;
  await clock.advance(350);
  expect(fallen).toHaveLength(1);
  await clock.advance(1_000);
  expect(fallen).toHaveLength(1);
  await clock.advance(100);
  expect(fallen).toHaveLength(2);
});

test("what is given back at once costs nobody anything", async () => {
  const { clock, state, fallen } = bind({ big: 70 });
  state.usedBytes = 500 * MIB;
  await clock.advance(300);
  state.usedBytes = 60 * MIB;
  await clock.advance(5_000);
  expect(fallen).toEqual([]);
});

test("where nobody holds much, nobody is ended, and that is said once", async () => {
  const { clock, state, fallen, lines, bound } = bind({ small: 1, other: 12 });
  state.usedBytes = 500 * MIB;
  await clock.advance(5_000);
  expect(fallen).toEqual([]);
  expect(lines).toHaveLength(1);
  bound[Symbol.dispose]();
  expect(clock.untilNext).toBeUndefined();
});
