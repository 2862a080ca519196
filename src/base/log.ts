/** Log: one line an event, to standard error unless told otherwise. Keys and message texts never go in. */
import type { Clock } from "./world.ts";

export const LOG_LEVELS = ["debug", "info", "warn", "error"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export type LogSink = (level: LogLevel, source: string, text: string) => void;

export interface Log {
  debug(text: string): void;
  info(text: string): void;
  warn(text: string): void;
  error(text: string): void;
  /** A log of the same sink with another name for where the lines come from. */
  named(source: string): Log;
}

export function createLog(source: string, sink: LogSink): Log {
  return {
    debug: (text) => sink("debug", source, text),
    info: (text) => sink("info", source, text),
    warn: (text) => sink("warn", source, text),
    error: (text) => sink("error", source, text),
    named: (name) => createLog(name, sink),
  };
}

/** Writes lines of at least `least` to standard error, as `source: text`. */
export function stderrSink(least: LogLevel = "info"): LogSink {
  const floor = LOG_LEVELS.indexOf(least);
  return (level, source, text) => {
    if (LOG_LEVELS.indexOf(level) >= floor) process.stderr.write(`${source}: ${oneLine(text)}\n`);
  };
}

/** Writes lines of at least `least` to standard error, as one JSON object each: `at` (ISO 8601), `level`, `source`, `text`. */
export function jsonSink(least: LogLevel, clock: Clock): LogSink {
  const floor = LOG_LEVELS.indexOf(least);
  return (level, source, text) => {
    if (LOG_LEVELS.indexOf(level) < floor) return;
    const at = new Date(clock.now()).toISOString();
    process.stderr.write(`${JSON.stringify({ at, level, source, text })}\n`);
  };
}

export const silentLog: Log = createLog("", () => {});

/** Text as one harmless line: control characters, which could drive a terminal or turn text around, become visible. */
export function oneLine(text: string): string {
  // eslint-disable-next-line no-control-regex -- control characters are what this is about
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g, (char) =>
    char === "\n" ? "⏎" : char === "\t" ? " " : `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
