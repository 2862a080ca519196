import { expect, test } from "bun:test";
import { z } from "zod";
import { attachPlugin } from "../../src/bot/host.ts";
import { type Bot, definePlugin } from "../../src/bot/plugin.ts";
import { peer as somebodyKnown } from "../../src/bot/special-arguments.ts";
import { createTestWarren } from "../../src/testing/kit.ts";
import { ann, bob, FakePeer } from "./fake-peer.ts";

const QUESTION = "Really delete all? (yes or no, within 60 s)";

async function bot(peer = new FakePeer(), more: (bot: Bot) => unknown = () => {}) {
  const done: unknown[] = [];
  const plugin = definePlugin({
    name: "dice",
    about: "rolls dice",
    setup(given) {
      given.command("delete", {
        about: "delete them",
        args: z.object({ what: z.string().default("all"), of: somebodyKnown().optional() }),
        confirm: ({ what }) => `Really delete ${what}?`,
        run: ({ args, reply }) => {
          done.push(args.of === undefined ? args.what : `${args.what} of ${args.of.id}`);
          return reply("deleted");
        },
      });
      given.on("message", ({ reply }) => reply("(talk)"));
      more(given);
    },
  });
  const attached = await attachPlugin(plugin, peer);
  return { peer, done, attached };
}

test("only a plain yes does it, once", async () => {
  const { peer, done } = await bot();
  expect(await peer.hear("delete")).toEqual([QUESTION]);
  expect(done).toEqual([]);
  expect(await peer.hear(" Yes ")).toEqual(["deleted"]);
  expect(await peer.hear("yes")).toEqual(["(talk)"]);
  expect(done).toEqual(["all"]);
});

test("anything else cancels with one line, and is nothing more", async () => {
  const { peer, done } = await bot();
  for (const word of ["no", "yes please", "delete"]) {
    await peer.hear("delete");
    expect(await peer.hear(word)).toEqual(['cancelled: "delete" was not done']);
    expect(await peer.hear("yes")).toEqual(["(talk)"]);
  }
  expect(done).toEqual([]);
});

test("only who was asked can say yes, and alone to the bot", async () => {
  const { peer, done } = await bot();
  expect(await peer.hear("!delete", { room: "lobby" })).toEqual([
    'Really delete all? (say "yes" or "no" to me alone, within 60 s)',
  ]);
  expect(await peer.hear("yes", { from: bob })).toEqual(["(talk)"]);
  expect(await peer.hear("yes", { room: "lobby" })).toEqual(["(talk)"]);
  expect(done).toEqual([]);
  expect(await peer.hear("yes")).toEqual(["deleted"]);
});

test("a yes after 60 s is too late, and other talk goes on then", async () => {
  const { peer, done } = await bot();
  await peer.hear("delete");
  await peer.clock.advance(60_001);
  expect(await peer.hear("good morning")).toEqual(["(talk)"]);
  expect(await peer.hear("yes")).toEqual(['too late: "delete" was not done']);
  expect(await peer.hear("yes")).toEqual(["(talk)"]);
  expect(done).toEqual([]);
});

test("the question outlives a restart, with what was typed", async () => {
  const before = await bot();
  await before.peer.hear("delete some");
  await before.attached[Symbol.asyncDispose]();
  const after = await bot(before.peer);
  expect(await after.peer.hear("yes")).toEqual(["deleted"]);
  expect([before.done, after.done]).toEqual([[], ["some"]]);
});

test("a yes is about the peer of the question, whoever has its name by then", async () => {
  const { peer, done } = await bot();
  await peer.hear("delete some ann");
  peer.resolve = (who) => Promise.resolve(who === ann.id ? ann : bob);
  await peer.hear("yes");
  expect(done).toEqual([`some of ${ann.id}`]);
});

test("whoever may not use it any more at the yes is denied", async () => {
  let isAllowed = true;
  const peer = new FakePeer();
  const ran: string[] = [];
  await bot(peer, (given) =>
    given.command("reset", { about: "r", confirm: "Sure?", allow: () => isAllowed, run: () => void ran.push("reset") }),
  );
  expect(await peer.hear("reset")).toEqual(["Sure? (yes or no, within 60 s)"]);
  isAllowed = false;
  expect(await peer.hear("yes")).toEqual(['you may not use "reset"']);
  expect(ran).toEqual([]);
});

test("a question that is handed out again is not its own answer", async () => {
  const { peer, done } = await bot();
  await peer.hear("delete", { id: "m1" });
  expect(await peer.hear("delete", { id: "m1", attempt: 2 })).toEqual([QUESTION]);
  expect(await peer.hear("yes", { id: "m2" })).toEqual(["deleted"]);
  expect(done).toEqual(["all"]);
});

test("a yes whose command fails at first is a yes again", async () => {
  let attempts = 0;
  const flaky = definePlugin({
    name: "flaky",
    about: "fails",
    setup: (given) =>
      given.command("reset", {
        about: "reset",
        confirm: "Sure?",
        run: ({ reply }) => {
          if (++attempts < 3) throw new Error("not yet");
          return reply("done");
        },
      }),
  });
  await using warren = await createTestWarren({ plugins: [flaky] });
  const eve = warren.person("eve");
  await eve.says("reset", { to: "flaky" });
  await eve.says("yes", { to: "flaky" });
  expect([attempts, eve.heard]).toEqual([3, ["Sure? (yes or no, within 60 s)", "done"]]);
});
