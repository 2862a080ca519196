/** Rival servers: Redis and NATS, each on a free port with a folder of its own, as those would run them who want to lose nothing. */
import { createServer } from "node:net";
import { join } from "node:path";
import { temporaryFolder } from "./child.ts";
import type { Contender, Scale } from "./question.ts";

export interface RivalServer extends AsyncDisposable {
  readonly port: number;
}

const PATH = `${process.env["PATH"] ?? ""}:/usr/sbin`;
const NATS = Bun.which("nats-server", { PATH });
const REDIS = Bun.which("redis-server", { PATH });

function missingNats(): string | undefined {
  return NATS === null ? "there is no nats-server on the PATH or in /usr/sbin (apt install nats-server)" : undefined;
}

function missingRedis(): string | undefined {
  return REDIS === null ? "there is no redis-server on the PATH (apt install redis-server)" : undefined;
}

/** NATS and Redis as contenders: `measure` is told whose server it is. */
export function natsAndRedis(
  measure: (kind: string, server: RivalServer, scale: Scale) => Promise<Record<string, number>>,
): readonly Contender[] {
  const contender = (name: string, missing: Contender["missing"], begin: () => Promise<RivalServer>) => ({
    name,
    ...(missing && { missing }),
    async measure(scale: Scale) {
      await using server = await begin();
      return await measure(name, server, scale);
    },
  });
  return [contender("nats", missingNats, startNats), contender("redis", missingRedis, startRedis)];
}

/** With JetStream in files. It leaves it to the system when they reach the disk. */
async function startNats(): Promise<RivalServer> {
  const folder = await temporaryFolder();
  const port = await freePort();
  const args = ["-a", "127.0.0.1", "-p", String(port), "-js", "-sd", join(folder.path, "data")];
  return await startServer([NATS ?? "nats-server", ...args], port, folder);
}

/** With a file that is appended to and synchronised at every write. */
async function startRedis(): Promise<RivalServer> {
  const folder = await temporaryFolder();
  const port = await freePort();
  const durable = ["--appendonly", "yes", "--appendfsync", "always", "--save", ""];
  const args = ["--bind", "127.0.0.1", "--port", String(port), "--dir", folder.path, ...durable];
  return await startServer([REDIS ?? "redis-server", ...args], port, folder);
}

async function startServer(command: string[], port: number, folder: AsyncDisposable): Promise<RivalServer> {
  const server = Bun.spawn(command, { stdout: "ignore", stderr: "ignore" });
  while (!(await answers(port))) {
    if (server.exitCode !== null) throw new Error(`${command.join(" ")} has ended (${server.exitCode})`);
    await Bun.sleep(20);
  }
  return {
    port,
    async [Symbol.asyncDispose]() {
      server.kill("SIGKILL");
      await server.exited;
      await folder[Symbol.asyncDispose]();
    },
  };
}

async function answers(port: number): Promise<boolean> {
  try {
    (await Bun.connect({ hostname: "127.0.0.1", port, socket: { data() {} } })).end();
    return true;
  } catch {
    return false; // not yet
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address ? address.port : 0));
    });
  });
}
