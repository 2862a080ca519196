/** The README: what it shows is what runs. Its links and commands are looked at in docs.test.ts, with those of all pages. */
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

test("the version of Bun in the README is the oldest that Warren runs on", async () => {
  const { engines } = (await Bun.file(join(root, "package.json")).json()) as { engines: { bun: string } };
  const versions = new Set([...(await read("README.md")).matchAll(/bun@([\d.]+)/g)].map(([, version]) => version));
  expect([...versions]).toEqual([engines.bun.replace(">=", "")]);
});
