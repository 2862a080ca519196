/** Rounds, turns and medians. */
import { expect, test } from "bun:test";
import { measureAll, median, ratioOf } from "../../bench/measure.ts";
import type { Contender } from "../../bench/question.ts";
import { question, result } from "./setting.ts";

/** Gives one of `figures` at each call, and notes its turn. */
function contender(name: string, figures: readonly number[], turns: string[] = []): Contender {
  const left = [...figures];
  return {
    name,
    measure(scale) {
      turns.push(`${name} ${scale}`);
      return Promise.resolve({ speed: left.shift() ?? Number.NaN });
    },
  };
}

const quiet = { rounds: 3, scale: 1, tell() {} };

test("each contender begins a round in turn, and all are measured as often", async () => {
  const turns: string[] = [];
  const contenders = [contender("limit", [], turns), contender("warren", [], turns)];
  await measureAll(question({ contenders }), { ...quiet, rounds: 2, scale: 0.1 });
  expect(turns).toEqual(["limit 0.1", "warren 0.1", "warren 0.1", "limit 0.1"]);
});

test("a result is the median of the rounds, so one disturbed round changes nothing", async () => {
  const contenders = [contender("limit", [100, 1, 102]), contender("warren", [50, 51, 9_000])];
  const measured = await measureAll(question({ contenders }), quiet);
  expect(measured.medians["limit"]?.["speed"]).toBe(100);
  expect(ratioOf(measured, "speed")).toBe(0.51);
});

test("a contender that is not installed is told with the reason, and not measured", async () => {
  const told: string[] = [];
  const absent = { ...contender("redis", [7]), missing: () => "there is no redis-server" };
  const contenders = [contender("limit", [1]), absent];
  const measured = await measureAll(question({ contenders }), { ...quiet, tell: (line) => told.push(line) });
  expect(told).toEqual(["  redis is not measured: there is no redis-server"]);
  expect(measured.missing).toEqual({ redis: "there is no redis-server" });
  expect(Object.keys(measured.medians)).toEqual(["limit"]);
});

test("a failing measurement is a failure of the whole, not a figure", async () => {
  const broken: Contender = { name: "warren", measure: () => Promise.reject(new Error("a message is lost")) };
  const error: unknown = await measureAll(question({ contenders: [broken] }), quiet).catch((cause: unknown) => cause);
  expect(error).toEqual(new Error("a message is lost"));
});

test("medians of few, of an even number, of unordered and of missing values", () => {
  expect([median([3]), median([4, 1]), median([9, 1, 5]), median([1, Number.NaN, 3])]).toEqual([3, 2.5, 5, 2]);
  expect(median([])).toBeNaN();
});

test("there is a ratio only where both were measured and the limit is not zero", () => {
  expect(ratioOf(result({ speed: 80 }), "speed")).toBe(0.8);
  expect(ratioOf(result({ speed: 80 }), "delay")).toBeUndefined();
  expect(ratioOf(result({}, { medians: { warren: { speed: 80 } } }), "speed")).toBeUndefined();
  expect(ratioOf(result({}, { medians: { limit: { speed: 0 }, warren: { speed: 80 } } }), "speed")).toBeUndefined();
});
