import { expect, test } from "bun:test";
import { join } from "node:path";
import { HOOKS } from "../../src/bot/hooks.ts";

test("docs/bots.md has the hooks of the code, all of them and no others, each with its mode", async () => {
  const page = await Bun.file(join(import.meta.dir, "../../docs/bots.md")).text();
  const section = /^## Hooks$([^]*?)^## /m.exec(page)?.[1] ?? "";
  const rows = [...section.matchAll(/^\| `([^`]+)` +\| (\w+) +\|/gm)].map(([, name, mode]) => [name, mode]);
  expect(rows).toEqual(Object.entries(HOOKS));
});
