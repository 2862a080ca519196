import { expect, test } from "bun:test";
import { holding, Reloading } from "./reloading.ts";

test("ten reloads of a bot that closes nothing leave no handle behind", async () => {
  await using bot = new Reloading();
  await bot.next(/^hoarder is online/);
  await bot.reload(2);
  const { handles } = holding();
  await bot.reload(8);
  expect(holding().handles).toBe(handles);
  expect(bot.lines).toEqual([]);
}, 30_000);
