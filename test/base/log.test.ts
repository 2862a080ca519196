import { afterEach, beforeEach, expect, spyOn, test, type Mock } from "bun:test";
import { createLog, jsonSink, oneLine, silentLog, stderrSink } from "../../src/base/log.ts";
import { ManualClock } from "../../src/testing/manual-clock.ts";

let written: string[];
let write: Mock<typeof process.stderr.write>;
beforeEach(() => {
  written = [];
  write = spyOn(process.stderr, "write").mockImplementation((text) => written.push(String(text)) > 0);
});
afterEach(() => write.mockRestore());

test("a line says how serious it is, where it comes from, and what happened", () => {
  const lines: string[][] = [];
  const log = createLog("warren", (...line) => lines.push(line));
  log.info("hello");
  log.named("registry").error("it is gone");
  expect(lines).toEqual([
    ["info", "warren", "hello"],
    ["error", "registry", "it is gone"],
  ]);
});

test("standard error gets what is serious enough, one line each", () => {
  const log = createLog("warren", stderrSink("warn"));
  log.debug("no");
  log.info("no");
  log.warn("two\nlines");
  log.error("yes");
  expect(written).toEqual(["warren: two⏎lines\n", "warren: yes\n"]);
});

test("for machines each line is one JSON object with its time", () => {
  const log = createLog("registry", jsonSink("info", new ManualClock(Date.UTC(2026, 10, 25))));
  log.debug("no");
  log.warn('two\n"lines"');
  expect(written).toEqual([
    '{"at":"2026-11-25T00:00:00.000Z","level":"warn","source":"registry","text":"two\\n\\"lines\\""}\n',
  ]);
});

test("control characters, which could drive a terminal, become visible", () => {
  expect(oneLine("a\u001b[2Jb\r\n\tc\u009b\u2028ü🐇")).toBe("a\\u001b[2Jb\\u000d⏎ c\\u009b\\u2028ü🐇");
});

test("the silent log says nothing", () => {
  silentLog.error("x");
  silentLog.named("y").warn("z");
  expect(written).toEqual([]);
});
