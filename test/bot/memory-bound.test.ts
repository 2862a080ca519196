import { expect, test } from "bun:test";
import { createLog } from "../../src/base/log.ts";
import { MemoryBound } from "../../src/bot/memory-bound.ts";
import { ManualClock } from "../../src/testing/manual-clock.ts";

const MIB = 2 ** 20;

/** A process that uses 50 MiB at its start, and whose bots may use 100 MiB more. */
function bind(heaps: Record<string, number>, silent?: string) {
  const clock = new ManualClock();
  const state = { usedBytes: 50 * MIB };
  const fallen: string[] = [];
  const lines: string[] = [];
  const users = Object.entries(heaps).map(([name, mib]) => ({
    heapBytes: mib * MIB,
    isSilent: false,
    ask() {
      this.isSilent = name === silent;
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
  const { clock, state, fallen } = bind({ small: 1, big: 70 }, "small");
  state.usedBytes = 500 * MIB;
  await clock.advance(1_100);
  expect(fallen).toEqual([expect.stringMatching(/^small: .* this one does not answer/)]);
});

test("what is given back at once costs nobody anything", async () => {
  const { clock, state, fallen } = bind({ big: 70 });
  state.usedBytes = 500 * MIB;
  await clock.advance(1_000);
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
