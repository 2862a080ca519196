import { expect, test } from "bun:test";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { dirname, join } from "node:path";

const ROOT = join(import.meta.dir, "../..");
const FILES = /^```ts\n\/\/ (\S+)\n([^]*?)^```$/gm;
const page = await Bun.file(join(ROOT, "docs/bots.md")).text();

test("the bots of docs/bots.md run, and pass the tests beside them, at every step of theirs", async () => {
  // Within the repository, where "warren" is found; and where git does not look.
  const cache = join(ROOT, "node_modules/.cache");
  await mkdir(cache, { recursive: true });
  const folder = await mkdtemp(join(cache, "bots-page-"));
  try {
    const tests: string[] = [];
    for (const step of steps()) {
      for (const [path, code] of step) {
        if (path.startsWith("test/")) tests.push(`./${path}`);
        await mkdir(dirname(join(folder, path)), { recursive: true });
        await Bun.write(join(folder, path), code);
      }
      const run = Bun.spawn([process.execPath, "test", ...tests], { cwd: folder, stdout: "ignore", stderr: "pipe" });
      const said = await run.stderr.text();
      expect([await run.exited, said]).toEqual([0, expect.stringMatching(/^ 0 fail$/m)]);
      expect(said).toContain(` across ${tests.length} file`);
    }
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("the bots of docs/bots.md that are also in bots/ are the same, and so are the tests as far as they are shown", async () => {
  const files = [...page.matchAll(FILES)];
  const ours: string[] = [];
  for (const [, path = "", code = ""] of files) {
    const file = Bun.file(join(ROOT, path));
    if (!(await file.exists())) continue;
    ours.push(path);
    expect((await file.text()).startsWith(code)).toBe(true);
  }
  expect(ours).toEqual(["bots/pizza.ts", "test/bots/pizza.test.ts"]);
});

test("docs/bots.md tells of everything that a bot is given", async () => {
  const source = await Bun.file(join(ROOT, "src/bot/plugin.ts")).text();
  const members = /export interface Bot<.*> \{\n([^]*?)\n\}/.exec(source)?.[1] ?? "";
  const names = new Set([...members.matchAll(/^ {2}(?:readonly )?(\w+)[<(:]/gm)].map(([, name]) => `bot.${name}`));
  expect(names.size).toBeGreaterThan(8);
  for (const name of names) expect(page).toContain(name);
});

/** What stands on the page, in its order. A file that is there again is a next step, which begins with it. */
function steps(): Map<string, string>[] {
  const all = [new Map<string, string>()];
  for (const [, path = "", code = ""] of page.matchAll(FILES)) {
    if (all.at(-1)?.has(path)) all.push(new Map());
    all.at(-1)?.set(path, code);
  }
  return all;
}
