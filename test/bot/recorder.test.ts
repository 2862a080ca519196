import { afterAll, beforeAll, expect, test } from "bun:test";
import { appendFileSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Recorder } from "../../src/bot/recorder.ts";
import type { Recorded } from "../../src/bot/recording.ts";
import { ManualClock } from "../../src/testing/manual-clock.ts";

let folder = "";
beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), "warren-recorder-"))));
afterAll(() => rmSync(folder, { recursive: true }));

const warnings: string[] = [];
const options = {
  clock: new ManualClock(1_000),
  conceal: (text: string) => text.replaceAll("hunter2", "•••"),
  warn: (text: string) => void warnings.push(text),
};
const token = (value: string): Recorded => ({ t: "token", value });
const linesOf = (path: string): string[] => readFileSync(path, "utf8").trimEnd().split("\n");

test("each line is on disk at once, for its owner alone, without secrets however deep", () => {
  const path = join(folder, "deeper", "dice.ndjson");
  using recorder = new Recorder(path, options);
  recorder.write(token("hunter2!"));
  recorder.write({ t: "result", of: "effect x", value: { list: ["hunter2"] } });
  expect(linesOf(path)).toEqual([
    '{"t":"token","value":"•••!","at":1000}',
    '{"t":"result","of":"effect x","value":{"list":["•••"]},"at":1000}',
  ]);
  expect([statSync(path).mode & 0o777, statSync(join(folder, "deeper")).mode & 0o777]).toEqual([0o600, 0o700]);
});

test("the next process goes on behind the last whole line", () => {
  const path = join(folder, "torn.ndjson");
  {
    using recorder = new Recorder(path, options);
    expect(recorder.isNew).toBe(true);
    recorder.write(token("one"));
  }
  appendFileSync(path, '{"t":"tok');
  using recorder = new Recorder(path, options);
  recorder.write(token("two"));
  expect(recorder.isNew).toBe(false);
  expect(linesOf(path).map((line) => (JSON.parse(line) as { value: string }).value)).toEqual(["one", "two"]);
});

test("at its bound it says so in the file and to the owner, once, and goes on doing nothing", () => {
  const path = join(folder, "full.ndjson");
  using recorder = new Recorder(path, { ...options, maxBytes: 100 });
  for (let count = 0; count < 9; count++) recorder.write(token("twelve bytes"));
  expect(linesOf(path).at(-1)).toBe('{"t":"full","at":1000}');
  expect(linesOf(path)).toHaveLength(3);
  expect(warnings.splice(0)).toEqual([`${path} has 100 bytes: nothing more is recorded`]);
  using next = new Recorder(path, { ...options, maxBytes: 1_000 });
  next.write(token("short"));
  expect(linesOf(path)).toHaveLength(3);
  expect(warnings.splice(0)).toEqual([`${path} had reached its bound before: nothing more is recorded`]);
});

test("what cannot be written ends the recording, and not the bot", () => {
  const path = join(folder, "big.ndjson");
  using recorder = new Recorder(path, options);
  recorder.write({ t: "result", of: "effect x", value: 1n });
  recorder.write(token("one"));
  expect(warnings.splice(0)).toEqual([expect.stringContaining("nothing more is recorded")]);
  expect(readFileSync(path, "utf8")).toBe("");
});

test("a folder that cannot be one is refused with the way out", () => {
  writeFileSync(join(folder, "file"), "");
  expect(() => new Recorder(join(folder, "file", "dice.ndjson"), options)).toThrow(
    expect.objectContaining({ code: "RECORDING_FAILED", message: expect.stringContaining("--record") }),
  );
});
