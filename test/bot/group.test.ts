import { expect, test } from "bun:test";
import { ann, bob } from "./fake-peer.ts";
import { host } from "./hosted.ts";

test("a group holds ids, each once, and outlives the bot", async () => {
  const { peer } = await host(async (bot) => {
    const staff = bot.group("staff");
    expect(staff.list()).toEqual([]);
    await staff.add(ann.id);
    await staff.add(ann.id);
    await staff.add(bob.id);
    await staff.remove(bob.id);
    await staff.remove(bob.id);
  });
  await host((bot) => {
    const staff = bot.group("staff");
    expect([staff.name, staff.list(), staff.has(ann.id), staff.has(bob.id)]).toEqual(["staff", [ann.id], true, false]);
    expect(bot.group("others").list()).toEqual([]);
  }, peer);
});

test("a name is no member, and a group's name is a name", async () => {
  await host(async (bot) => {
    expect(await bot.group("staff").add("ann").catch(String)).toContain('"ann" is not a peer id');
    expect(() => bot.group("the staff")).toThrow('group "the staff": a group\'s name is');
  });
});
