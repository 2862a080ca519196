/** Hosted: a plugin called dice on a peer that is all memory. */
import { type AttachedPlugin, attachPlugin } from "../../src/bot/host.ts";
import { type Bot, definePlugin } from "../../src/bot/plugin.ts";
import { FakePeer } from "./fake-peer.ts";

export async function host(
  setup: (bot: Bot) => unknown,
  peer = new FakePeer(),
): Promise<{ peer: FakePeer; attached: AttachedPlugin }> {
  const attached = await attachPlugin(definePlugin({ name: "dice", about: "rolls dice", setup }), peer);
  await peer.clock.settle();
  return { peer, attached };
}
