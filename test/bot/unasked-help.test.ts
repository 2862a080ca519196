import { expect, test } from "bun:test";
import { somebody } from "./fake-peer.ts";
import { host } from "./hosted.ts";

test("a person's message that nothing takes is answered with what the bot can do, once a minute", async () => {
  const { peer } = await host((bot) => bot.on("message", { match: "dice" }, () => {}));
  const oneLine = ["rolls dice (commands: help)"];
  expect(await peer.hear("hello")).toEqual(oneLine);
  expect(await peer.hear("hello?")).toEqual([]);
  expect(await peer.hear("hello", { from: somebody("bob") })).toEqual(oneLine);
  await peer.clock.advance(60_000);
  expect(await peer.hear("hello")).toEqual(oneLine);
});

test("whoever mistypes a command is asked what was meant, each time", async () => {
  const { peer } = await host((bot) => bot.command("roll", { about: "roll", run: () => {} }));
  const asked = 'did you mean "roll"? rolls dice (commands: roll, help)';
  expect(await peer.hear("hello")).toHaveLength(1);
  for (const text of ["rol", "rolll"]) expect(await peer.hear(text)).toEqual([asked]);
});

test("a bot's message, a room's message and one that was taken get no such answer", async () => {
  const { peer } = await host((bot) => bot.on("message", { match: "dice" }, () => {}));
  expect(await peer.hear("hello", { from: somebody("robot", "bot") })).toEqual([]);
  expect(await peer.hear("hello", { room: "lobby" })).toEqual([]);
  expect(await peer.hear("about dice")).toEqual([]);
});
