import { expect, test } from "bun:test";
import { createPaint } from "../../src/cli/paint.ts";
import { whyLines } from "../../src/cli/why-text.ts";
import type { Heard, Said, Trace } from "../../src/peer/traces.ts";
import { testId } from "../peer/burrow.ts";

const ANN = { id: testId("ann"), name: "ann", kind: "person" } as const;
const DICE = { id: testId("dice"), name: "dice", kind: "bot" } as const;
const heard: Heard = { from: ANN, text: "hi", at: 0, state: "handled", attempts: 0, isBlocked: false, runs: [] };
const run: Trace = { bot: "dice", id: "a.1", from: ANN.id, attempt: 1, at: 0, ms: 1.5, steps: [], answers: [] };

const lines = (found: { heard?: Heard[]; said?: Said[] }): string[] =>
  whyLines({ heard: [], said: [], ...found }, 0, createPaint(false));
const silent = (...steps: Trace["steps"]): string | undefined => fate({ runs: [{ ...run, steps }] });
const fate = (more: Partial<Heard>): string | undefined => lines({ heard: [{ ...heard, ...more }] }).at(-1);

test("a run is told hook by hook, with the answers and their ids", () => {
  const steps: Trace["steps"] = [
    { hook: "commands", did: "passed it on", ms: 0.2, notes: ['none is called "hi"'] },
    { hook: "post listener 1", did: "did not match", ms: 0, notes: ["kind bot"] },
    { hook: "post listener 2", did: "took it", ms: 1, notes: [] },
  ];
  const answers = [{ id: "b.1", to: "ann", text: "hello" }];
  expect(lines({ heard: [{ ...heard, runs: [{ ...run, steps, answers }] }] }).slice(1)).toEqual([
    "  dice, attempt 1, 1.5 ms",
    '    commands         passed it on (0.2 ms): none is called "hi"',
    "    post listener 1  did not match: kind bot",
    "    post listener 2  took it (1 ms)",
    "    → ann: hello  b.1",
    "  handled",
  ]);
});

test("why nobody answered is said in one line", () => {
  const took = { hook: "commands", did: "took it", ms: 0 } as const;
  expect(silent()).toBe("  handled, and nothing was answered: no hook took it");
  expect(silent({ ...took, notes: [] })).toEndWith("nothing was answered: commands took it and said nothing");
  expect(silent({ ...took, notes: ['"roll"', "its cooldown held it back"] })).toEndWith(
    "nothing was answered: commands: its cooldown held it back",
  );
});

test("without a run, what is known is said", () => {
  expect(fate({})).toStartWith("  handled; how is not kept");
  expect(fate({ state: "delivered" })).toStartWith("  it waits: nothing runs here");
  expect(fate({ state: "delivered", isBlocked: true })).toBe("  it waits: its sender is blocked");
  expect(fate({ state: "delivered", attempts: 2 })).toEndWith("(begun 2 times)");
  expect(fate({ state: "failed", reason: "no" })).toStartWith("  set aside: no;");
  const said: Said = { to: DICE, text: "hi", at: 0, state: "delivered" };
  expect(lines({ said: [said] })).toEqual([
    expect.stringMatching(/said to dice: hi {2}\(delivered\)$/),
    "  what it did with it is known where it runs: why <id> --for-bot dice",
  ]);
  expect(lines({ said: [{ ...said, state: "queued" }] })).toHaveLength(1);
  expect(lines({ said: [{ ...said, to: ANN, state: "failed", reason: "no" }] })).toEqual([
    expect.stringMatching(/said to ann: hi {2}\(failed: no\)$/),
  ]);
});

test("what a bot has said is told with the run that said it, and the message because of which it was", () => {
  const said: Said = { to: ANN, text: "hello", at: 0, state: "handled" };
  const steps: Trace["steps"] = [{ hook: "commands", did: "took it", ms: 1, notes: [] }];
  expect(
    lines({ said: [{ ...said, runs: [{ ...run, steps, answers: [{ id: "b.1", to: "ann", text: "hello" }] }] }] }),
  ).toEqual([
    expect.stringMatching(/said to ann: hello {2}\(handled\)$/),
    "  because of a.1",
    "  dice, attempt 1, 1.5 ms",
    "    commands  took it (1 ms)",
    "    → ann: hello  b.1",
  ]);
  expect(lines({ said: [{ ...said, runs: [] }] }).at(-1)).toStartWith("  what made the bot say it is not kept");
});

test("what a stranger or a plugin has written cannot drive the terminal", () => {
  const bad = "b\u0007ad";
  const step = { hook: "commands", did: "failed", ms: 0, notes: [bad] } as const;
  const runs = [{ ...run, steps: [step], answers: [{ id: bad, to: bad, text: bad }], error: bad }];
  const all = [
    ...lines({ heard: [{ ...heard, from: { ...ANN, name: bad }, text: bad, state: "failed", reason: bad, runs }] }),
    ...lines({ heard: [{ ...heard, runs: [{ ...run, steps: [{ ...step, did: "took it" }] }] }] }),
    ...lines({ said: [{ to: { ...DICE, name: bad }, text: bad, at: 0, state: "failed", reason: bad }] }),
  ];
  // oxlint-disable-next-line no-control-regex -- control characters are what this is about
  expect(all.filter((line) => /[\u0000-\u001f]/.test(line))).toEqual([]);
});
