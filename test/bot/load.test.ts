import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadPlugin } from "../../src/bot/load.ts";

let folder = "";
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), "warren-load-"))));
afterAll(() => rm(folder, { recursive: true }));

async function load(name: string, source: string): Promise<unknown> {
  const file = join(folder, name);
  await writeFile(file, source);
  return await loadPlugin(file).catch((error: unknown) => error);
}

test("a file that exports a plugin is one", async () => {
  const source = `export default { name: "dice", about: "rolls dice", setup() {} }`;
  expect(await load("good.ts", source)).toMatchObject({ name: "dice" });
});

test("a file that is not one gets a line with its name, the place and the reason", async () => {
  const failures: [file: string, source: string, code: string, message: string][] = [
    ["syntax.ts", "\nexport default {{\n", "PLUGIN_LOAD_FAILED", "syntax.ts:2:17: Expected"],
    ["throws.ts", 'throw new Error("no key")', "PLUGIN_LOAD_FAILED", "throws.ts:1:11: no key"],
    ["lost.ts", 'import "./nowhere.ts"', "PLUGIN_LOAD_FAILED", "lost.ts: Cannot find module"],
    ["empty.ts", "", "PLUGIN_INVALID", 'empty.ts: write "export default'],
    ["five.ts", "export default 5", "PLUGIN_INVALID", "five.ts: not a plugin"],
  ];
  for (const [file, source, code, message] of failures) {
    const failure = await load(file, source);
    expect(failure).toMatchObject({ code });
    expect(String(failure)).toStartWith(`WarrenError: ${message}`);
  }
});
