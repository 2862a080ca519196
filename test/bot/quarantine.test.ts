import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Quarantine } from "../../src/bot/quarantine.ts";

const folder = mkdtempSync(join(tmpdir(), "warren-quarantine-"));
afterAll(() => rmSync(folder, { recursive: true }));
const dice = { file: "/bots/dice.ts", hash: "abc", cause: "it crashed", at: 5 };

test("what is put in is found by its file, also by the next process, until it is let out", () => {
  const path = new Quarantine(folder).add("dice", dice);
  expect(path).toBe(join(folder, "bots/dice/quarantine.json"));
  expect(statSync(path).mode & 0o777).toBe(0o600);
  const next = new Quarantine(folder);
  expect(next.find(dice.file)).toEqual({ ...dice, path });
  expect(next.find("/bots/coin.ts")).toBeUndefined();
  next.lift(dice.file);
  next.lift(dice.file);
  expect(new Quarantine(folder).find(dice.file)).toBeUndefined();
});

test("a file whose name is no bot's name is put in too", () => {
  const quarantine = new Quarantine(folder);
  expect(quarantine.add("!!", { ...dice, file: "/bots/!!.ts" })).toContain("/bots/bot/");
});

test("a file that is broken keeps nobody off", () => {
  const quarantine = new Quarantine(folder);
  writeFileSync(quarantine.add("dice", dice), "{");
  expect(quarantine.find(dice.file)).toBeUndefined();
});
