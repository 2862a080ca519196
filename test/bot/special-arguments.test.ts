import { expect, test } from "bun:test";
import { z } from "zod";
import { attachPlugin } from "../../src/bot/host.ts";
import { definePlugin } from "../../src/bot/plugin.ts";
import { duration, lookUpPeer, peer } from "../../src/bot/special-arguments.ts";
import { WarrenError } from "../../src/base/errors.ts";
import { ann, FakePeer, somebody } from "./fake-peer.ts";

async function bot<Schema extends z.ZodObject>(args: Schema) {
  const fake = new FakePeer();
  const ran: unknown[] = [];
  const plugin = definePlugin({
    name: "dice",
    about: "rolls dice",
    setup: (given) => given.command("go", { about: "go", args, run: (call) => void ran.push(call.args) }),
  });
  await attachPlugin(plugin, fake);
  return { fake, ran };
}

test("a duration is given in ms", async () => {
  const { fake, ran } = await bot(z.object({ wait: duration(), pause: duration().prefault("5m") }));
  for (const line of ["10s", "1.5h --pause 250ms", "2d"]) expect(await fake.hear(`go ${line}`)).toEqual([]);
  expect(ran).toEqual([
    { wait: 10_000, pause: 300_000 },
    { wait: 5_400_000, pause: 250 },
    { wait: 172_800_000, pause: 300_000 },
  ]);
  expect(await fake.hear("go soon")).toEqual([
    '"soon" is not a duration: a number and ms, s, m, h or d, like "10s" (wait)\nusage: go <wait> [pause=5m]',
  ]);
  expect(await fake.hear(`go ${"9".repeat(300)}d`)).toEqual([expect.stringContaining("is not a duration")]);
});

test("a peer is given as who it is, by name or id, however phones write it", async () => {
  const { fake, ran } = await bot(z.object({ who: peer(), other: peer().optional() }));
  for (const line of ["ann", "@Ann", ann.id, "dice ann"]) expect(await fake.hear(`go ${line}`)).toEqual([]);
  expect(ran).toEqual([{ who: ann }, { who: ann }, { who: ann }, { who: fake.info, other: ann }]);
  expect(await fake.hear("go foo")).toEqual(['"foo" is nobody known here (who)\nusage: go <who> [other]']);
});

test("help tells what to type, and the card says it as the format of a plain text", async () => {
  const { fake } = await bot(z.object({ who: peer().describe("whom"), wait: duration() }));
  expect(await fake.hear("help go")).toEqual([
    "go <who> <wait>: go\n  who   whom, somebody's name or id\n  wait  a duration like 10s or 2h",
  ]);
  expect(fake.cards.at(-1)?.commands[0]?.args["properties"]).toEqual({
    who: { type: "string", format: "peer", description: "whom" },
    wait: { type: "string", format: "duration" },
  });
});

test("a last duration or peer is one word, not the rest of the line", async () => {
  const { fake } = await bot(z.object({ wait: duration() }));
  expect(await fake.hear("go 10s later")).toEqual(['"later" is one word too many\nusage: go <wait>']);
});

test("an address that somebody types is not dialled", async () => {
  const asked: string[] = [];
  const own = {
    info: somebody("dice", "bot"),
    resolve: (who: string) => {
      asked.push(who);
      return Promise.resolve(ann);
    },
  };
  expect(await lookUpPeer(own, "10.0.0.1:7000").catch((error: unknown) => error)).toMatchObject({
    code: "PEER_UNKNOWN",
  });
  expect(asked).toEqual([]);
  expect(await lookUpPeer(own, "ann")).toBe(ann);
});

test("a name that another key holds now is said to be one; any other failure is the command's", async () => {
  const { fake, ran } = await bot(z.object({ who: peer() }));
  fake.resolve = () => Promise.reject(new WarrenError("NAME_CHANGED", "ann is another one now"));
  expect(await fake.hear("go ann")).toEqual([expect.stringContaining("ann is another one now (who)")]);
  fake.resolve = () => Promise.reject(new WarrenError("CLOSED", "the peer is closed"));
  expect(await fake.hear("go ann").catch(String)).toContain("the peer is closed");
  expect(ran).toEqual([]);
});
