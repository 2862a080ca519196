import { expect, test } from "bun:test";
import { z } from "zod";
import { attachPlugin } from "../../src/bot/host.ts";
import type { Job } from "../../src/bot/job.ts";
import { listJobs, openJobRows } from "../../src/bot/job-rows.ts";
import { type Bot, definePlugin } from "../../src/bot/plugin.ts";
import { FakePeer } from "./fake-peer.ts";

const order = z.object({ item: z.string(), count: z.number().int().default(1) });

async function shop(
  peer = new FakePeer(),
  payload: z.ZodType<{ item: string; count: number }, z.input<typeof order>> = order,
) {
  const ran: { item: string; count: number }[] = [];
  const handle: { ship?: Job<z.input<typeof order>, z.output<typeof order>> } = {};
  const setup = (bot: Bot) => {
    handle.ship = bot.job("ship", (call) => void ran.push(call.payload), { payload });
  };
  const attached = await attachPlugin(definePlugin({ name: "shop", about: "ships things", setup }), peer);
  if (!handle.ship) throw new Error("setup did not run");
  return { peer, ran, attached, ship: handle.ship };
}

test("a payload goes through its schema: what is scheduled is what the schema takes, what runs is what it gives", async () => {
  const { peer, ran, ship } = await shop();
  await ship.in("1s", { item: "tea" });
  expect(ship.list()).toMatchObject([{ payload: { item: "tea", count: 1 } }]);
  await peer.clock.advance(1_000);
  expect(ran).toEqual([{ item: "tea", count: 1 }]);
});

test("a payload that does not fit is refused when it is scheduled, with its place", async () => {
  const { peer, ship } = await shop();
  const error = await ship.in("1s", JSON.parse('{"item":7}')).catch((refused: unknown) => refused);
  expect(error).toMatchObject({ code: "PLUGIN_INVALID", message: expect.stringContaining("item: ") });
  expect(listJobs(openJobRows(peer, "shop"))).toEqual([]);
});

test("a payload that JSON would change is refused at once, not when the job runs", async () => {
  let at: Job<Date> | undefined;
  const setup = (bot: Bot) => void (at = bot.job("at", () => {}, { payload: z.date() }));
  await attachPlugin(definePlugin({ name: "shop", about: "ships", setup }), new FakePeer());
  expect(await at?.in("1s", new Date(0)).catch((error: unknown) => error)).toMatchObject({ code: "PLUGIN_INVALID" });
});

test("a payload that an edited bot does not understand any more fails, and says why", async () => {
  const peer = new FakePeer();
  const first = await shop(peer);
  await first.ship.in("1m", { item: "tea" });
  await first.attached[Symbol.asyncDispose]();
  const second = await shop(peer, z.object({ item: z.string().min(5), count: z.number().default(1) }));
  expect(second.ship.list()).toEqual([]);
  await peer.clock.advance(3_600_000);
  expect(second.ran).toEqual([]);
  expect(peer.logged.at(-1)).toMatch(/^error shop: job ship failed 3 times and is given up: .*item: /);
});

test("a time that is none is refused", async () => {
  const { ship } = await shop();
  for (const time of [Number.NaN, Infinity, new Date("tomorrow")]) {
    expect(await ship.at(time, { item: "tea" }).catch((error: unknown) => error)).toMatchObject({
      code: "PLUGIN_INVALID",
      message: expect.stringContaining("there is no such time"),
    });
  }
});

test("wrong payloads are errors of the compiler", () => {
  expect(wrong).toBeFunction();
});

/** Only read by the compiler. */
async function wrong(bot: Bot): Promise<void> {
  const ship = bot.job("ship", ({ payload }) => payload.count.toFixed(), { payload: order });
  const plain = bot.job("plain", () => {});
  await ship.in("1s", { item: "tea" });
  await plain.in("1s");
  // @ts-expect-error -- a number is no item
  await ship.in("1s", { item: 7 });
  // @ts-expect-error -- it needs a payload
  await ship.in("1s");
  // @ts-expect-error -- it takes none
  await plain.in("1s", { item: "tea" });
  // @ts-expect-error -- not a duration
  await plain.in("soon");
  // @ts-expect-error -- the payload has no such field
  bot.job("other", ({ payload }) => payload.price, { payload: order });
}
