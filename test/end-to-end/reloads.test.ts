import { expect, test } from "bun:test";
import { holding, Reloading } from "./reloading.ts";

test("ten reloads of a bot that closes nothing leave no handle behind, and its dialog goes on", async () => {
  await using bot = new Reloading();
  await bot.begin();
  await bot.reload(2);
  const { handles } = holding();
  await bot.reload(8);
  expect(holding().handles).toBe(handles);
  await bot.finish();
  expect(bot.told.lines).toEqual([]);
}, 30_000);
