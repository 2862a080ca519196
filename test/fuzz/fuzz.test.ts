import { expect, test } from "bun:test";
import { Fuzzer } from "./fuzzer.ts";
import { mutate } from "./mutate.ts";
import { Dice } from "./random.ts";
import { mustHold, type Target } from "./target.ts";
import { TARGETS } from "./targets.ts";

/** New inputs for each target; `bun run fuzz` runs as many as it is told. */
const EXECUTIONS = 300;

test.each(TARGETS.map((target) => [target.name, target] as const))(
  "%s: nothing breaks, neither on what was kept nor on new inputs",
  async (_, target) => {
    const fuzzer = new Fuzzer(target, 1);
    await fuzzer.replay();
    const kept = fuzzer.executions;
    expect(kept).toBeGreaterThan(target.seeds.length); // the corpus is there
    await fuzzer.go(target.name === "conversation" ? EXECUTIONS / 3 : EXECUTIONS);
    expect([...fuzzer.findings.values()].map(({ what, input }) => [what, String(input)])).toEqual([]);
  },
);

test("a fault that only a rare input shows is found, shortened and told once", async () => {
  const target: Target = {
    name: "none",
    maxBytes: 100,
    seeds: ['{"t":"msg","n":1,"text":"some words"}'],
    tokens: ["boom"],
    run(input) {
      mustHold(!Buffer.from(input).includes("boom"), () => "it has gone off");
    },
  };
  const fuzzer = new Fuzzer(target, 1);
  await fuzzer.replay();
  await fuzzer.go(1_000);
  expect([...fuzzer.findings.values()].map(({ input }) => String(Buffer.from(input)))).toEqual(["boom"]);
});

test("an exception that no promise allows is a finding", async () => {
  const target: Target = {
    name: "none",
    maxBytes: 10,
    seeds: ["a"],
    tokens: ["b"],
    run: () => void JSON.parse("{"),
  };
  const fuzzer = new Fuzzer(target, 1);
  await fuzzer.replay();
  expect([...fuzzer.findings.values()].map(({ what }) => what)).toEqual([expect.stringContaining("SyntaxError")]);
});

test("mutations are the same again for the same seed, and never over the bound", () => {
  const input = Buffer.from('{"t":"msg","n":1}\n{"t":"ping"}\n');
  const material = { tokens: ["token"], other: () => Buffer.from("other\n"), maxBytes: 200 };
  const run = (): string[] => {
    const dice = new Dice(7);
    return Array.from({ length: 2_000 }, () => Buffer.from(mutate(input, dice, material)).toString("latin1"));
  };
  const mutants = run();
  expect(mutants).toEqual(run());
  expect(Math.max(...mutants.map(({ length }) => length))).toBeLessThanOrEqual(200);
  expect(new Set(mutants).size).toBeGreaterThan(1_000);
  expect(String(input)).toBe('{"t":"msg","n":1}\n{"t":"ping"}\n'); // the input itself is left as it was
});
