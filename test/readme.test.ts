/** The README: what it shows is what runs. That its links lead somewhere is seen in docs.test.ts. */
import { expect, test } from "bun:test";
import { join } from "node:path";

const root = join(import.meta.dir, "..");
const read = (path: string): Promise<string> => Bun.file(join(root, path)).text();

test("the bot and the test in the README are the files that run", async () => {
  const readme = await read("README.md");
  const shown = [...readme.matchAll(/<!-- (\S+) -->\n\n```ts\n([\s\S]*?)```/g)];
  expect(shown.map(([, path]) => path)).toEqual(["bots/echo.ts", "test/bots/echo.test.ts"]);
  for (const [, path = "", code = ""] of shown) expect(code).toBe(await read(path));
});

test("every command in the README is a script", async () => {
  const readme = await read("README.md");
  const { scripts } = (await Bun.file(join(root, "package.json")).json()) as { scripts: Record<string, string> };
  const commands = [...readme.matchAll(/bun(?:@[\d.]+)? run ([\w-]+)/g)].map(([, name = ""]) => name);
  expect(commands.length).toBeGreaterThan(8);
  for (const name of commands) expect(Object.keys(scripts)).toContain(name);
});

test("the version of Bun in the README is the oldest that Warren runs on", async () => {
  const { engines } = (await Bun.file(join(root, "package.json")).json()) as { engines: { bun: string } };
  const versions = new Set([...(await read("README.md")).matchAll(/bun@([\d.]+)/g)].map(([, version]) => version));
  expect([...versions]).toEqual([engines.bun.replace(">=", "")]);
});
