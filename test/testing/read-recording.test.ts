import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readRecording } from "../../src/testing/read-recording.ts";
import { ann, somebody } from "../bot/fake-peer.ts";

let folder = "";
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), "warren-recording-"))));
afterAll(() => rm(folder, { recursive: true }));

const START = { t: "start", at: 1, version: 1, bot: somebody("dice", "bot"), config: {}, registered: true };
const IN = { t: "in", at: 2, id: "m1", from: ann, text: "roll" };

async function read(...lines: (object | string)[]) {
  const file = join(folder, "dice.ndjson");
  const rows = lines.map((line) => (typeof line === "string" ? line : `${JSON.stringify(line)}\n`));
  await Bun.write(file, rows.join(""));
  return await readRecording(file);
}

const failure = (...lines: (object | string)[]): Promise<unknown> => read(...lines).catch((error: unknown) => error);

test("a message that was handled or said again is there once", async () => {
  const out = { t: "out", at: 3, id: "m1", to: ann, text: "6" };
  const { start, lines, notes } = await read(START, IN, out, START, { ...IN, at: 9 }, { ...out, at: 10 });
  expect(start).toMatchObject(START);
  expect(lines.map(({ t, at }) => `${t} ${at}`)).toEqual(["start 1", "in 2", "out 3", "start 1"]);
  expect(notes).toEqual([]);
});

test("a torn last line, and an end before the end, are told", async () => {
  expect((await read(START, IN, '{"t":"out","at":')).notes).toEqual(["line 3, the last one, is torn: it is left out"]);
  expect((await read(START, { t: "full", at: 2 })).notes).toEqual([
    "line 2: the recording had reached its bound and ends here",
  ]);
});

test("what is no recording is refused with the number of the line", async () => {
  const path = join(folder, "dice.ndjson");
  const code = "RECORDING_FAILED";
  expect(await failure(START, "nonsense\n", IN)).toMatchObject({
    code,
    message: expect.stringContaining(`${path}:2: it is no JSON`),
  });
  expect(await failure(START, { ...IN, from: 7 })).toMatchObject({
    code,
    message: expect.stringContaining(":2: from: "),
  });
  expect(await failure(IN)).toMatchObject({ code, message: expect.stringContaining(":1: no start") });
  expect(await failure("")).toMatchObject({ code, message: expect.stringContaining(":1: no start") });
  const nowhere = await readRecording(join(folder, "none")).catch((error: unknown) => error);
  expect(nowhere).toMatchObject({ code, message: expect.stringContaining("cannot be read") });
});
