/**
 * The crowd test: `bun run crowd-test [--peers n] [--at-once n] [--crowds n] [--back n] [--short]`. So many peers register at one
 * registry process, which is asked and listened to meanwhile. As many of them as the process may have files (or `--at-once`) stay
 * online, the others say goodbye. Then it is restarted under `--back` of them. Exits with 1 unless all are in and held, and all are
 * back before any of them would be called offline.
 */
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { systemWorld } from "../../src/base/world.ts";
import { createIdentity } from "../../src/identity/identity.ts";
import { DEFAULT_LIMITS } from "../../src/registry/limits.ts";
import { signLogin, openChallenge } from "../../src/registry/proof.ts";
import { signRecord } from "../../src/registry/record.ts";
import { recordFaults } from "./crowd-records.ts";
import { readLines } from "./lines.ts";
import type { Counts, RegistrantsCommand, RegistrantsEvent } from "./registrants.ts";

const { values } = parseArgs({
  options: {
    peers: { type: "string", default: "1000" },
    "at-once": { type: "string", default: "1000000" },
    crowds: { type: "string", default: "2" },
    back: { type: "string", default: "1000" },
    short: { type: "boolean", default: false },
  },
});
const given = [values.peers, values.crowds, values.back, values["at-once"]].map(Number);
const [peers, crowds, back, atOnce] = given as [number, number, number, number];
if (!given.every((number) => Number.isSafeInteger(number) && number > 0)) {
  console.error("--peers, --at-once, --crowds and --back: whole numbers above 0 were expected");
  process.exit(2);
}
/** Files that are left to the registry beside its sessions: its database, and whoever asks it here. */
const SPARE_FILES = 500;
const BACK_WITHIN_MS = DEFAULT_LIMITS.restartGraceMs;
const LOOK_UP_MS = values.short ? 300 : 5_000;
const LOOK_UPS_AT_ONCE = 32;
const REGISTRATIONS = values.short ? 10 : 300;

const folder = await mkdtemp(join(tmpdir(), "warren-crowd-"));
const port = freePort();
const url = `http://127.0.0.1:${port}`;

interface Crowd {
  say(command: RegistrantsCommand): void;
  next<Name extends RegistrantsEvent["event"]>(name: Name): Promise<Extract<RegistrantsEvent, { event: Name }>>;
  end(): Promise<unknown>;
}

let registry = await startRegistry();
const files = Number(/Max open files +(\d+)/.exec(ofProcess("limits"))?.[1]);
const staying = Math.min(peers, atOnce, files - SPARE_FILES);
let isGood = true;
const crowdsOpen: Crowd[] = [];
try {
  await measureArrival();
  await countRecords();
  await measureLookUps();
  await measureNotice();
  await measureReturn();
} finally {
  registry.kill("SIGKILL");
  await rm(folder, { recursive: true });
}
process.exit(isGood ? 0 : 1);

async function measureArrival(): Promise<void> {
  const idle = memoryMiB();
  const all = await startCrowds(staying);
  const startedAt = performance.now();
  const cpuAt = cpuSeconds();
  for (const crowd of all) crowd.say({ do: "arrive", atOnce: 100 });
  for (const crowd of all) await crowd.next("arrived");
  const seconds = (performance.now() - startedAt) / 1_000;
  const cpu = cpuSeconds() - cpuAt;
  let { inside, tookMs } = await sum(all);
  const until = performance.now() + BACK_WITHIN_MS;
  while (inside < staying && performance.now() < until) {
    await Bun.sleep(500); // whose session broke because a process was held up comes back
    ({ inside } = await sum(all));
  }
  check(inside === staying, `${inside} of ${staying} peers are online`);
  const memory = memoryMiB();
  console.log(
    `registration  ${inside} peers that stay in ${seconds.toFixed(1)} s: ${Math.round(inside / seconds)} logins/s; ` +
      `${((cpu / inside) * 1e6).toFixed(0)} µs of the registry's processor time each`,
  );
  console.log(
    `a login       p50 ${percentile(tookMs, 0.5)} ms, p99 ${percentile(tookMs, 0.99)} ms, with 100 at once from each crowd`,
  );
  console.log(
    `memory        ${memory} MiB (${idle} before): ${Math.round(((memory - idle) * 1_024) / inside)} KiB a peer`,
  );
  crowdsOpen.push(...all);
}

/** Who does not stay registers, too; then all of them are asked for. */
async function countRecords(): Promise<void> {
  const leaving = peers - staying;
  if (leaving > 0) {
    const visitors = startCrowd(leaving, staying);
    await visitors.next("ready");
    visitors.say({ do: "visit", atOnce: 100 });
    await visitors.next("arrived");
    await visitors.end();
  }
  const names = [0, staying - 1, staying, peers - 1].filter((n) => n < peers).map((n) => `peer-${n}`);
  const startedAt = performance.now();
  const faults = await recordFaults(url, { online: staying, offline: leaving, names });
  check(faults.length === 0, faults.join("\n"));
  const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1);
  console.log(
    `records       ${peers} are held, ${staying} online and ${leaving} offline: counted over all pages, by state, kind, name and id, in ${seconds} s`,
  );
  console.log(
    `files         a process here may have ${files} open: at most ${files - SPARE_FILES} can be online at once`,
  );
}

async function measureLookUps(): Promise<void> {
  const { peers: page } = (await (await fetch(`${url}/v1/peers?limit=100`)).json()) as { peers: { id: string }[] };
  const tookMs: number[] = [];
  const until = performance.now() + LOOK_UP_MS;
  const ask = async (_: unknown, asker: number): Promise<void> => {
    for (let n = asker; performance.now() < until; n++) {
      const startedAt = performance.now();
      const headers = { "x-forwarded-for": `10.200.${(n >> 4) & 255}.${asker}` };
      const response = await fetch(`${url}/v1/peers/${page[n % page.length]?.id}`, { headers });
      check(response.status === 200, `a look-up was answered with ${response.status}`);
      await response.arrayBuffer();
      tookMs.push(performance.now() - startedAt);
    }
  };
  await Promise.all(Array.from({ length: LOOK_UPS_AT_ONCE }, ask));
  const rate = Math.round((tookMs.length / LOOK_UP_MS) * 1_000);
  console.log(
    `look-ups      ${rate}/s by id; p50 ${percentile(tookMs, 0.5)} ms, p99 ${percentile(tookMs, 0.99)} ms, ${LOOK_UPS_AT_ONCE} at once`,
  );
}

/** From the login of a new peer, as it is sent, to the frame that tells a subscriber of it. */
async function measureNotice(): Promise<void> {
  const seen = new Map<string, (at: number) => void>();
  const reader = await member("reader", ({ t, record }) => {
    if (t !== "peer") return;
    const { name } = JSON.parse(Buffer.from(String(record).split(".")[1] ?? "", "base64url").toString()) as {
      name: string;
    };
    seen.get(name)?.(performance.now());
  });
  const { promise: isSynced, resolve: synced } = Promise.withResolvers<void>();
  reader.socket.addEventListener("message", ({ data }) => String(data).startsWith('{"t":"synced"') && synced());
  const askedAt = performance.now();
  reader.logIn();
  await reader.welcome;
  reader.socket.send('{"t":"subscribe"}');
  await isSynced;
  console.log(`a subscriber  is told of all ${staying} within ${Math.round(performance.now() - askedAt)} ms`);
  const tookMs: number[] = [];
  for (let n = 0; n < REGISTRATIONS; n++) {
    const { promise, resolve } = Promise.withResolvers<number>();
    seen.set(`new-${n}`, resolve);
    const newcomer = await member(`new-${n}`, () => {});
    const startedAt = performance.now();
    newcomer.logIn();
    tookMs.push((await promise) - startedAt);
    newcomer.socket.close();
  }
  reader.socket.close();
  console.log(
    `a notice      p50 ${percentile(tookMs, 0.5)} ms, p99 ${percentile(tookMs, 0.99)} ms from a login to what a subscriber is told`,
  );
}

async function measureReturn(): Promise<void> {
  await Promise.all(crowdsOpen.splice(0).map((crowd) => crowd.end()));
  for (const signal of ["SIGTERM", "SIGKILL"] as const) {
    registry.kill("SIGKILL");
    await registry.exited;
    await rm(join(folder, "registry", "registry.sqlite"), { force: true });
    for (const log of ["-wal", "-shm"]) await rm(join(folder, "registry", `registry.sqlite${log}`), { force: true });
    registry = await startRegistry();
    const all = await startCrowds(back);
    for (const crowd of all) crowd.say({ do: "arrive", atOnce: 100 });
    for (const crowd of all) await crowd.next("arrived");
    await sum(all);
    const at = Date.now();
    registry.kill(signal);
    await registry.exited;
    const endedMs = Date.now() - at;
    registry = await startRegistry();
    const downMs = Date.now() - at;
    const total = { welcomed: {} as Counts, dialled: {} as Counts, refused: {} as Counts, inside: 0 };
    let [mostBackMs, allBackMs] = [0, 0];
    while (Date.now() - at < BACK_WITHIN_MS + downMs && allBackMs === 0) {
      await Bun.sleep(500);
      const now = await sum(all);
      for (const which of ["welcomed", "dialled", "refused"] as const) {
        for (const [second, n] of Object.entries(now[which])) total[which][second] = (total[which][second] ?? 0) + n;
      }
      total.inside = now.inside;
      if (now.inside >= back * 0.99) mostBackMs ||= Date.now() - at;
      if (now.inside === back) allBackMs = Date.now() - at;
    }
    const how = signal === "SIGTERM" ? "ended in order (SIGTERM)" : "killed (SIGKILL)";
    check(allBackMs > 0, `${total.inside} of ${back} are back`);
    console.log(
      `\n${back} peers, the registry ${how} and started again (${endedMs} ms to its end, ${downMs} ms to the next one): 99 % back after ${(mostBackMs / 1_000).toFixed(1)} s, all after ${(allBackMs / 1_000).toFixed(1)} s`,
    );
    console.log("second        dialled  told to come again  logged in");
    const began = Math.floor(at / 1_000);
    const seconds = Math.max(...Object.keys(total.dialled).concat(Object.keys(total.welcomed)).map(Number)) - began;
    for (let second = 0; second <= seconds; second++) {
      const of = (counted: Counts, width: number) => String(counted[String(began + second)] ?? 0).padStart(width);
      console.log(
        `${String(second).padStart(6)}       ${of(total.dialled, 8)}  ${of(total.refused, 18)}  ${of(total.welcomed, 9)}`,
      );
    }
    await Promise.all(all.map((crowd) => crowd.end()));
  }
}

async function startRegistry(): Promise<Bun.Subprocess<"ignore", "pipe", "inherit">> {
  const program = join(import.meta.dir, "../../src/cli/registry.ts");
  const flags = ["--port", String(port), "--home", folder, "--behind-proxy", "127.0.0.1", "--no-dial-back"];
  const child = Bun.spawn([process.execPath, program, ...flags], {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "inherit",
  });
  for await (const chunk of child.stdout) if (Buffer.from(chunk).includes("ready")) break;
  return child;
}

async function startCrowds(total: number): Promise<Crowd[]> {
  const each = Math.ceil(total / crowds);
  const all = Array.from({ length: crowds }, (_, i) => startCrowd(Math.min(each, total - i * each), i * each));
  for (const crowd of all) await crowd.next("ready");
  return all;
}

function startCrowd(count: number, first: number): Crowd {
  const program = join(import.meta.dir, "registrants.ts");
  const child = Bun.spawn([process.execPath, program, url, String(count), String(first)], {
    stdin: "pipe",
    stdout: "pipe",
    stderr: "inherit",
  });
  const events = readLines(child.stdout);
  return {
    say: (command) => void child.stdin.write(`${JSON.stringify(command)}\n`),
    async next(name) {
      for (;;) {
        const { value, done } = await events.next();
        if (done) throw new Error("a crowd has ended");
        const event = JSON.parse(value) as RegistrantsEvent;
        if (isOf(event, name)) return event;
      }
    },
    async end() {
      child.kill("SIGKILL");
      await child.exited;
    },
  };
}

function isOf<Name extends RegistrantsEvent["event"]>(
  event: RegistrantsEvent,
  name: Name,
): event is Extract<RegistrantsEvent, { event: Name }> {
  return event.event === name;
}

/** What has happened since it was asked last. */
async function sum(all: readonly Crowd[]) {
  const total = {
    welcomed: {} as Counts,
    dialled: {} as Counts,
    refused: {} as Counts,
    inside: 0,
    tookMs: [] as number[],
  };
  for (const crowd of all) crowd.say({ do: "counts" });
  for (const crowd of all) {
    const counts = await crowd.next("counts");
    total.inside += counts.inside;
    total.tookMs.push(...counts.tookMs);
    for (const which of ["welcomed", "dialled", "refused"] as const) {
      for (const [second, n] of Object.entries(counts[which])) total[which][second] = (total[which][second] ?? 0) + n;
    }
  }
  return total;
}

/** A session of this process, which can be timed to the millisecond. */
async function member(name: string, onFrame: (frame: { t: string; record?: string }) => void) {
  const identity = await createIdentity();
  const body = { id: identity.id, name, kind: "person" as const, addresses: [], card: { about: "", commands: [] } };
  const record = await signRecord({ ...body, seq: 1, ttl: 3_600 }, identity.privateKey);
  const socket = new WebSocket(`${url.replace("http", "ws")}/v1/session?nonce=${systemWorld.token(32)}`, {
    headers: {
      "x-forwarded-for": `10.${210 + Math.floor(Math.random() * 40)}.${name.length}.${Math.floor(Math.random() * 250)}`,
    },
  });
  const { promise: challenge, resolve: challenged } = Promise.withResolvers<string>();
  const { promise: welcome, resolve: welcomed } = Promise.withResolvers<void>();
  socket.addEventListener("message", ({ data }) => {
    const frame = JSON.parse(String(data)) as { t: string; challenge: string; record?: string };
    if (frame.t === "challenge") challenged(frame.challenge);
    if (frame.t === "welcome") welcomed();
    onFrame(frame);
  });
  const { registry: id, nonce } = await openChallenge(await challenge);
  const login = await signLogin({ id: identity.id, registry: id, nonce, origin: url }, identity.privateKey);
  return { socket, welcome, logIn: () => socket.send(JSON.stringify({ t: "login", login, record })) };
}

function check(isTrue: boolean, text: string): void {
  if (isTrue) return;
  isGood = false;
  console.error(text);
}

function percentile(numbers: readonly number[], share: number): string {
  const sorted = [...numbers].sort((a, b) => a - b);
  return (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN).toFixed(1);
}

function ofProcess(file: string): string {
  return readFileSync(`/proc/${registry.pid}/${file}`, "utf8");
}

function memoryMiB(): number {
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(ofProcess("status"))?.[1]) / 1_024);
}

/** Of all its threads. */
function cpuSeconds(): number {
  const fields = ofProcess("stat")
    .replace(/^.*\) /, "")
    .split(" ");
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

function freePort(): number {
  using server = Bun.serve({ port: 0, fetch: () => new Response() });
  return server.port ?? 0;
}
