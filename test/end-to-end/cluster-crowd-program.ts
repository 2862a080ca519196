/** A part of the cluster test's crowd: peers that stay, peers that come and go, and peers that all want the same few names. */
import { sleep, systemClock } from "../../src/base/world.ts";
import { LightPeer, type PeerEvent } from "./light-peer.ts";

export interface CrowdOptions {
  readonly urls: readonly string[];
  /** Begins the names of this process's peers. */
  readonly prefix: string;
  readonly stayers: number;
  readonly goers: number;
  readonly rivals: number;
  /** Names that the rivals of all processes want. */
  readonly contested: number;
}

const options = JSON.parse(process.argv[2] ?? "") as CrowdOptions;
const { urls, prefix, stayers, goers, rivals, contested } = options;
const tell = (event: PeerEvent): void => void process.stdout.write(`${JSON.stringify(event)}\n`);

/** From `least` up to three times as long. */
function anyMs(least: number): number {
  return least * (1 + 2 * Math.random());
}

const settling = new AbortController(); // from then on nobody comes or goes of his own will
process.on("SIGUSR1", () => settling.abort());

async function comeAndGo(peer: LightPeer): Promise<void> {
  while (!settling.signal.aborted) {
    const stay = peer.stay();
    await sleep(systemClock, anyMs(3_000));
    if (settling.signal.aborted) return;
    await peer.go();
    await stay;
    await sleep(systemClock, anyMs(1_000));
  }
}

async function contest(): Promise<void> {
  while (!settling.signal.aborted) {
    const name = `wanted-${Math.floor(Math.random() * contested)}`;
    const peer = await LightPeer.make(name, urls, tell);
    if (await peer.stay()) return;
    await sleep(systemClock, anyMs(2_000));
  }
}

for (let n = 0; n < Math.max(stayers, goers, rivals); n++) {
  if (n < stayers) void (await LightPeer.make(`${prefix}-stays-${n}`, urls, tell)).stay();
  if (n < goers) void comeAndGo(await LightPeer.make(`${prefix}-goes-${n}`, urls, tell));
  if (n < rivals) void contest();
  await sleep(systemClock, 5);
}
