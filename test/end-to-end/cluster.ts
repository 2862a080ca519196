/**
 * The cluster test in its large form: `bun run cluster-test [--peers n] [--rounds n]`. Needs nats-server on the PATH or in
 * /usr/sbin. Exits with 1 unless nothing was lost, given twice or told that was not so.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { NATS_SERVER, NO_NATS_SERVER } from "../registry/nats-server.ts";
import { Clustering } from "./clustering.ts";

const { values } = parseArgs({
  options: { peers: { type: "string", default: "1000" }, rounds: { type: "string", default: "6" } },
});
const [peers, rounds] = [Number(values.peers), Number(values.rounds)];
if (!(Number.isSafeInteger(peers) && peers >= 10 && Number.isSafeInteger(rounds) && rounds >= 0)) {
  console.error(`--peers ${values.peers} --rounds ${values.rounds}: expected whole numbers, of peers at least 10`);
  process.exit(2);
}
if (NATS_SERVER === undefined) {
  console.error(NO_NATS_SERVER);
  process.exit(2);
}

/** No session is away for longer: an election of the store, a login's time limit, and the wait before the next try. */
const BOUND_MS = 30_000;

const folder = await mkdtemp(join(tmpdir(), "warren-cluster-"));
try {
  await using cluster = new Clustering({ folder, peers, leaseMs: 20_000, level: "warn", say: console.log });
  await cluster.begin();
  for (let n = 0; n < rounds; n++) await cluster.round(n);
  await cluster.blackout();
  const faults = await cluster.end();
  const { witnesses } = cluster;
  const refusals = [...witnesses.refusals].map(([code, count]) => `${code} ${count}`).join(", ");
  console.log(
    `${witnesses.logins} logins (refused: ${refusals || "none"}), ${witnesses.offlines} times somebody was told as gone`,
  );
  console.log(`a peer that was there was missing in a list for ${witnesses.longestUnlistedMs} ms at most`);
  console.log(
    `lists compared ${witnesses.compared} times; no peer was without a session for over ${witnesses.longestAwayMs} ms`,
  );
  if (witnesses.longestAwayMs > BOUND_MS)
    faults.push(`a peer was away for ${witnesses.longestAwayMs} ms; ${BOUND_MS} is allowed`);
  for (const fault of faults.slice(0, 50)) console.error(fault);
  if (faults.length === 0) console.log("nobody lost, no name given twice, nobody told as gone who was not");
  else process.exitCode = 1;
} finally {
  await rm(folder, { recursive: true });
}
