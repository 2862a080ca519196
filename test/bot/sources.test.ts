import { afterAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readSources } from "../../src/bot/sources.ts";

const folder = mkdtempSync(join(tmpdir(), "warren-sources-"));
afterAll(() => rmSync(folder, { recursive: true }));

function write(files: Record<string, string>): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(folder, name, ".."), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
}

const hash = (): string => readSources(join(folder, "bot.ts")).hash;

write({
  "bot.ts": `import { a } from "./lib/a.ts"; import type { T } from "./types.ts"; import fs from "node:fs"; export default a + fs;`,
  "lib/a.ts": `export * from "./b"; export const a = () => import("../data.json"); export { x } from "thing";`,
  "lib/b.ts": `import "../bot.ts"; export const b = 1;`,
  "data.json": "1",
  "types.ts": "export type T = 1;",
  "other.ts": "1",
  "node_modules/thing/package.json": `{ "main": "index.js" }`,
  "node_modules/thing/index.js": "export const x = 1;",
});

test("a change in the file, or in what it imports directly or not, is a change", () => {
  const seen = new Set([hash()]);
  for (const [count, name] of ["data.json", "lib/b.ts", "lib/a.ts", "bot.ts"].entries()) {
    write({ [name]: "2" });
    expect(seen.add(hash()).size).toBe(count + 2);
  }
});

test("what is touched, a package, another file and what is only a type are none", () => {
  write({ "bot.ts": `import "thing"; import type { T } from "./types.ts";` });
  const before = hash();
  utimesSync(join(folder, "bot.ts"), 1, 1);
  write({ "node_modules/thing/index.js": "2", "types.ts": "export type T = 2;", "other.ts": "2" });
  expect(hash()).toBe(before);
});

test("a file that is not there yet is known to be missing, and its coming is a change", () => {
  write({ "bot.ts": `import "./later/new.ts";` });
  const before = readSources(join(folder, "bot.ts"));
  expect([before.isIncomplete, before.folders.has(join(folder, "later"))]).toEqual([true, true]);
  write({ "later/new.ts": "1" });
  const after = readSources(join(folder, "bot.ts"));
  expect([after.isIncomplete, after.hash === before.hash]).toEqual([false, false]);
});

test("a file that cannot be parsed is a file all the same", () => {
  write({ "bot.ts": "export default {{" });
  const before = hash();
  write({ "bot.ts": "export default {}" });
  expect(hash()).not.toBe(before);
});
