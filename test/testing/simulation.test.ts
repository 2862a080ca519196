import { expect, test } from "bun:test";
import { simulate } from "../../src/testing/simulation.ts";

/** In `bun test`; `bun run simulate` runs as many as it is told. */
const SEEDS = 100;

test.each([0, 1, 2, 3])(`every promise is kept under every fault, quarter %i of ${SEEDS} seeds`, async (quarter) => {
  const failures: string[] = [];
  let promised = 0;
  for (let seed = 1 + quarter; seed <= SEEDS; seed += 4) {
    const result = await simulate({ seed });
    promised += result.promised;
    if (result.complaints.length > 0) failures.push(`seed ${seed}: ${result.complaints[0]}`);
  }
  expect(failures).toEqual([]);
  expect(promised).toBeGreaterThan(SEEDS * 5);
});

test("a seed gives the same run again, to the last line of its trace", async () => {
  const [first, again] = [await simulate({ seed: 77 }), await simulate({ seed: 77 })];
  expect(again).toEqual(first);
  expect(first.trace.length).toBeGreaterThan(0);
});
