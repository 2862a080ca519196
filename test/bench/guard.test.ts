/** The guard: what counts as a loss, and what is recorded. */
import { expect, test } from "bun:test";
import { compare, record, type Recorded } from "../../bench/guard.ts";
import { questions } from "../../bench/questions.ts";
import { DELAY, question, result, SPEED } from "./setting.ts";

const RECORDED: Recorded = { full: { race: { speed: 0.8, delay: 1.5 } } };

function lossesOf(...[figures, more]: Parameters<typeof result>): readonly string[] {
  return compare([result(figures, more)], RECORDED, [question()]).losses;
}

test("a ratio may be a fifth worse than the recorded one, in either direction, and no more", () => {
  expect(lossesOf({ speed: 64.1, delay: 179.9 })).toEqual([]);
  expect(lossesOf({ speed: 63.9, delay: 150 })).toEqual(["race, speed: the ratio to the limit is 0.64; it was 0.8"]);
  expect(lossesOf({ speed: 80, delay: 181 })).toEqual(["race, delay: the ratio to the limit is 1.81; it was 1.5"]);
});

test("a ratio that has become better is no loss", () => {
  expect(lossesOf({ speed: 1_000, delay: 1 })).toEqual([]);
});

test("a machine that is half as fast changes no ratio", () => {
  const medians = { limit: { speed: 50, delay: 200 }, warren: { speed: 40, delay: 300 } };
  expect(lossesOf({}, { medians })).toEqual([]);
});

test("a recorded ratio that could not be measured is a loss", () => {
  expect(lossesOf({ speed: 80 })).toEqual(["race, delay: it could not be measured; the ratio to the limit was 1.5"]);
  const medians = { limit: { speed: 0, delay: 100 }, warren: { speed: 80, delay: 150 } };
  expect(lossesOf({}, { medians })).toEqual(["race, speed: it could not be measured; the ratio to the limit was 0.8"]);
});

test("a short run is not compared with a full one, and the guard says how much it has compared", () => {
  const slow = { speed: 1, delay: 1_000 };
  expect(compare([result(slow, { scale: 0.1 })], RECORDED, [question()])).toEqual({ losses: [], compared: 0 });
  expect(compare([result(slow)], RECORDED, [question()])).toMatchObject({ compared: 2 });
});

test("what is recorded takes the place of the same question's ratios, and of nothing else", () => {
  const other = question({ name: "other" });
  const before: Recorded = { short: { race: { speed: 0.1 } }, full: { other: { speed: 0.2 }, race: { speed: 0.3 } } };
  expect(record(before, [result({ speed: 71.2345, delay: 150 })], [question(), other])).toEqual({
    short: { race: { speed: 0.1 } },
    full: { other: { speed: 0.2 }, race: { speed: 0.712, delay: 1.5 } },
  });
});

test("of a short run only the steady rows are recorded, and never one without a limit", () => {
  const rows = [{ ...SPEED, isSteady: true }, DELAY];
  const short = result({ speed: 80, delay: 150 }, { scale: 0.1 });
  expect(record({}, [short], [question({ rows })])).toEqual({ short: { race: { speed: 0.8 } } });
  const alone = result({}, { medians: { warren: { speed: 80 } } });
  expect(record({}, [alone], [question()])).toEqual({});
});

test("what the repository has recorded is of questions and rows that there are", async () => {
  const recorded = (await Bun.file(new URL("../../bench/recorded.json", import.meta.url)).json()) as Recorded;
  for (const ratios of Object.values(recorded)) {
    for (const [name, rows] of Object.entries(ratios)) {
      const known = questions.find((one) => one.name === name)?.rows.map((row) => row.name) ?? [];
      expect(known).toEqual(expect.arrayContaining(Object.keys(rows)));
    }
  }
});

test("questions have names of their own, and so have their rows and their contenders, of which one is the limit", () => {
  expect(new Set(questions.map(({ name }) => name)).size).toBe(questions.length);
  for (const { rows, contenders } of questions) {
    expect(new Set(rows.map(({ name }) => name)).size).toBe(rows.length);
    expect(contenders.map(({ name }) => name).slice(0, 2)).toEqual(["limit", "warren"]);
  }
});
