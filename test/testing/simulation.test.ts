import { expect, test } from "bun:test";
import { simulate } from "../../src/testing/simulation.ts";

/** In `bun test`; `bun run simulate` runs as many as it is told. */
const SEEDS = 50;
const PARTS = 5; // each well within the time that a test may take

test.each(Array.from({ length: PARTS }, (_, part) => part))(
  `every promise is kept under every fault, part %i of ${PARTS} of ${SEEDS} seeds`,
  async (part) => {
    const failures: string[] = [];
    let promised = 0;
    for (let seed = 1 + part; seed <= SEEDS; seed += PARTS) {
      const result = await simulate({ seed });
      promised += result.promised;
      if (result.complaints.length > 0) failures.push(`seed ${seed}: ${result.complaints[0]}`);
    }
    expect(failures).toEqual([]);
    expect(promised).toBeGreaterThan((SEEDS / PARTS) * 20);
  },
);

test("a seed gives the same run again, to the last line of its trace", async () => {
  const [first, again] = [await simulate({ seed: 225 }), await simulate({ seed: 225 })];
  expect(again).toEqual(first);
  expect(first.trace.length).toBeGreaterThan(0);
});
