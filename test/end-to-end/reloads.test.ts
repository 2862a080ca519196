import { expect, test } from "bun:test";
import { holding, Reloading } from "./reloading.ts";

const handles = (): number => holding().handles ?? 0;

test("ten reloads of a bot that closes nothing leave no handle behind, and its dialog goes on", async () => {
  await using bot = new Reloading();
  await bot.begin();
  await bot.reload(2);
  const before = handles();
  await bot.reload(8);
  // The end of the last thread may be on its way.
  for (let look = 0; look < 500 && handles() > before; look++) await new Promise(setImmediate);
  expect(handles()).toBeLessThanOrEqual(before);
  await bot.finish();
  expect(bot.told.lines).toEqual([]);
}, 30_000);
