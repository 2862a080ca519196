/** The cluster test: a registry of three processes on three NATS servers, killed one after another under a crowd. */
import { join } from "node:path";
import { openIdentity } from "../../src/identity/identity.ts";
import { natsCluster, type NatsServer } from "../registry/nats-server.ts";
import type { CrowdOptions } from "./cluster-crowd-program.ts";
import type { ClusterRegistryOptions } from "./cluster-registry-program.ts";
import { readLines } from "./lines.ts";
import type { PeerEvent } from "./light-peer.ts";
import { Witnesses } from "./witnesses.ts";

export interface ClusteringOptions {
  folder: string;
  peers: number;
  leaseMs: number;
  /** The least of the registries' logs that is shown. */
  level: ClusterRegistryOptions["level"];
  say: (line: string) => void;
}

type Child = Bun.Subprocess<"ignore", "pipe", "inherit">;

export class Clustering implements AsyncDisposable {
  readonly witnesses = new Witnesses();
  readonly #options: ClusteringOptions;
  readonly #servers: NatsServer[] = [];
  readonly #registries: { port: number; child: Child }[] = [];
  readonly #crowds: Child[] = [];
  readonly #watchers: AsyncDisposable[] = [];
  readonly #watcherIds: string[] = [];
  #keyFile = "";
  #isComparing = true;
  #comparing: Promise<void> | undefined;

  constructor(options: ClusteringOptions) {
    this.#options = options;
  }

  get urls(): string[] {
    return this.#registries.map(({ port }) => `http://127.0.0.1:${port}`);
  }

  async begin(): Promise<void> {
    const { folder, peers, say } = this.#options;
    this.#servers.push(...(await natsCluster(3)));
    await openIdentity(folder);
    this.#keyFile = join(folder, "key.pem");
    await Promise.all([0, 1, 2].map(() => this.#startRegistry(freePort())));
    say(`three registries at ${this.urls.join(" ")} on three NATS servers`);
    for (const [n, what] of ["eve", "ivy", "may"].entries()) {
      const identity = await openIdentity(join(folder, what));
      this.#watcherIds.push(identity.id);
      this.#watchers.push(this.witnesses.watch(what, [...this.urls.slice(n), ...this.urls.slice(0, n)], identity));
    }
    const processes = Math.ceil(peers / 400);
    for (let n = 0; n < processes; n++) this.#startCrowd(`c${n}`, Math.round(peers / processes));
    await until("everybody is there", () => this.witnesses.here >= peers * 0.6 && this.witnesses.away === 0, 120_000);
    say(`${this.witnesses.here} peers are there after ${this.witnesses.logins} logins`);
    this.#comparing = this.#compare();
  }

  /** Kills one registry and, when everybody is back, one server of the store. */
  async round(n: number): Promise<void> {
    const { say } = this.#options;
    const registry = this.#registries[0]; // the one that was started first
    const server = this.#servers[(n + 1) % 3];
    if (!registry || !server) return;
    const killedAt = performance.now();
    registry.child.kill("SIGKILL");
    await registry.child.exited;
    await Bun.sleep(1_000);
    await until("all are elsewhere", () => this.witnesses.away === 0, 60_000);
    say(`registry ${registry.port} was killed: all were elsewhere after ${secondsSince(killedAt)} s`);
    this.#registries.shift();
    await this.#startRegistry(registry.port);
    const brokenAt = performance.now();
    await server.kill();
    await Bun.sleep(2_000);
    await server.start();
    await until("the store is whole", async () => (await server.isHealthy()) && (await this.#areReady()), 90_000);
    say(
      `store server ${server.port} was killed: it was whole, and all registries ready, after ${secondsSince(brokenAt)} s`,
    );
  }

  /** Two of three servers of the store are gone for longer than a lease: nothing can be kept, and all sessions are let go. */
  async blackout(): Promise<void> {
    const lost = this.#servers.slice(1);
    const { longestAwayMs } = this.witnesses;
    await Promise.all(lost.map((server) => server.kill()));
    await until("all sessions are let go", () => this.witnesses.here === 0, 4 * this.#options.leaseMs);
    const backAt = performance.now();
    await Promise.all(lost.map((server) => server.start()));
    await until("all are there", () => this.witnesses.away === 0, 90_000);
    this.#options.say(`the store was gone for a lease: all were back ${secondsSince(backAt)} s after it was`);
    this.witnesses.longestAwayMs = longestAwayMs; // what it was without that
  }

  /** What is to be said against it so far, when those whose registry was killed are back. */
  async faults(): Promise<string[]> {
    await until("all are there", () => this.witnesses.away === 0, 60_000);
    return this.witnesses.faults;
  }

  /** The same, and what is different in the end, when nobody comes and goes any more. */
  async end(): Promise<string[]> {
    await this.faults();
    for (const crowd of this.#crowds) crowd.kill("SIGUSR1");
    this.#isComparing = false;
    await this.#comparing;
    let differences: string[] = [];
    const settled = async (): Promise<boolean> => {
      const lists = this.urls.map((url) => this.witnesses.differences(url, this.#watcherIds));
      differences = (await Promise.all(lists)).flat();
      return differences.length === 0;
    };
    // Whose goodbye was to a process that was just killed is waited for, for as long as that one's lease and the grace period.
    await until("the lists are the same", settled, 1.75 * this.#options.leaseMs + 60_000).catch(() => {});
    return [...this.witnesses.faults, ...this.witnesses.falseDepartures(), ...differences];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isComparing = false;
    for (const child of [...this.#crowds, ...this.#registries.map((registry) => registry.child)]) {
      child.kill("SIGKILL");
      await child.exited;
    }
    for (const watcher of this.#watchers) await watcher[Symbol.asyncDispose]();
    for (const server of this.#servers) await server[Symbol.asyncDispose]();
  }

  async #startRegistry(port: number): Promise<void> {
    const servers = this.#servers.map(({ address }) => address).join();
    const { leaseMs, level } = this.#options;
    const options: ClusterRegistryOptions = { port, servers, keyFile: this.#keyFile, leaseMs, level };
    const child = start("cluster-registry-program.ts", options);
    this.#registries.push({ port, child });
    for await (const line of readLines(child.stdout)) if (line === "ready") return;
    throw new Error(`the registry at ${port} did not start`);
  }

  #startCrowd(prefix: string, size: number): void {
    const [goers, rivals] = [Math.round(size * 0.3), Math.max(2, Math.round(size * 0.05))];
    const stayers = size - goers - rivals;
    const options: CrowdOptions = { urls: this.urls, prefix, stayers, goers, rivals, contested: Math.max(1, rivals) };
    const child = start("cluster-crowd-program.ts", options);
    this.#crowds.push(child);
    void this.#listen(child);
  }

  async #listen(child: Child): Promise<void> {
    for await (const line of readLines(child.stdout)) this.witnesses.hear(JSON.parse(line) as PeerEvent);
  }

  async #compare(): Promise<void> {
    while (this.#isComparing) {
      for (const url of this.urls) await this.witnesses.compare(url);
      await Bun.sleep(1_000);
    }
  }

  async #areReady(): Promise<boolean> {
    const answers = this.urls.map((url) =>
      fetch(`${url}/readyz`).then(
        ({ status }) => status === 200,
        () => false,
      ),
    );
    return (await Promise.all(answers)).every(Boolean);
  }
}

function start(program: string, options: object): Child {
  const command = [process.execPath, join(import.meta.dir, program), JSON.stringify(options)];
  return Bun.spawn(command, { stdin: "ignore", stdout: "pipe", stderr: "inherit" });
}

function freePort(): number {
  const listener = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  const { port } = listener;
  listener.stop(true);
  return port;
}

function secondsSince(steady: number): string {
  return ((performance.now() - steady) / 1_000).toFixed(1);
}

async function until(what: string, isSo: () => boolean | Promise<boolean>, limitMs: number): Promise<void> {
  for (const deadline = performance.now() + limitMs; performance.now() < deadline; await Bun.sleep(100)) {
    if (await isSo()) return;
  }
  throw new Error(`${what}: not within ${limitMs} ms`);
}
