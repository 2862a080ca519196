/** Record bot: what happens to a bot goes into a file that a test can replay. Loaded where `--record` asks for it. */
import { join } from "node:path";
import type { Scope } from "../base/scope.ts";
import type { BotConfig } from "../bot/config.ts";
import type { HostPeer } from "../bot/host.ts";
import type { Fetch } from "../bot/network.ts";
import { recordedFetch } from "../bot/recorded-fetch.ts";
import { recordedPeer } from "../bot/recorded-peer.ts";
import { Recorder } from "../bot/recorder.ts";
import type { Recorded } from "../bot/recording.ts";
import type { Peer } from "../peer/peer.ts";

export interface RecordBotOptions {
  readonly folder: string;
  readonly config: BotConfig;
  /** Closes the file. */
  readonly scope: Scope;
  /** Covers the bot's secrets. */
  readonly conceal: (text: string) => string;
}

/** The peer and the network as the bot is to see them. */
export function recordBot(peer: Peer, options: RecordBotOptions): { peer: HostPeer; fetch: Fetch } {
  const { folder, config, scope, conceal } = options;
  const path = join(folder, `${peer.name}.ndjson`);
  const { clock } = peer.world;
  const recorder = scope.use(new Recorder(path, { clock, conceal, warn: (text: string) => peer.log.warn(text) }));
  peer.log.info(`what happens to it is recorded in ${path}`);
  const { isNew } = recorder;
  const write = (recorded: Recorded): void => recorder.write(recorded);
  return { peer: recordedPeer(peer, { name: peer.name, config, isNew, write }), fetch: recordedFetch(fetch, write) };
}
