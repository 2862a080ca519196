import { expect, test } from "bun:test";
import { Counter, exposition, Gauge, Histogram } from "../../src/registry/metrics.ts";

test("a counter is written with its labels, and what is odd in them is escaped", () => {
  const counter = new Counter("logins_total", "Logins.\nBy \\ result.", ["result", "of"]);
  counter.add("welcomed", "ann");
  counter.add("welcomed", "ann");
  counter.add('a "b"\\\n', "");
  expect(counter.lines()).toEqual([
    "# HELP logins_total Logins.\\nBy \\\\ result.",
    "# TYPE logins_total counter",
    'logins_total{result="welcomed",of="ann"} 2',
    'logins_total{result="a \\"b\\"\\\\\\n",of=""} 1',
  ]);
});

test("what has never happened is 0 where there are no labels", () => {
  const counter = new Counter("failures_total", "Failures.");
  expect(counter.lines().at(-1)).toBe("failures_total 0");
  counter.add();
  expect(counter.lines().at(-1)).toBe("failures_total 1");
});

test("the buckets of a histogram hold all that is up to their bound, and the last one holds everything", () => {
  const histogram = new Histogram("took_seconds", "Time.", [0.1, 1]);
  for (const seconds of [0.1, 0.5, 0.25, 7]) histogram.observe(seconds);
  expect(histogram.lines()).toEqual([
    "# HELP took_seconds Time.",
    "# TYPE took_seconds histogram",
    'took_seconds_bucket{le="0.1"} 1',
    'took_seconds_bucket{le="1"} 3',
    'took_seconds_bucket{le="+Inf"} 4',
    "took_seconds_sum 7.85",
    "took_seconds_count 4",
  ]);
});

test("a gauge is read when it is asked for", () => {
  let online = 1;
  const gauge = new Gauge("peers", "Online.", () => [[online, { kind: "bot" }], [0]]);
  online = 2;
  expect(exposition([gauge])).toBe('# HELP peers Online.\n# TYPE peers gauge\npeers{kind="bot"} 2\npeers 0\n');
});
