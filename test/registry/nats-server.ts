/** Real NATS servers for tests, each on free ports with a folder of its own. */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { temporaryFolder } from "./setting.ts";

/** Undefined where there is none: Debian's package is `nats-server`. */
export const NATS_SERVER = Bun.which("nats-server", { PATH: `${process.env.PATH}:/usr/sbin` }) ?? undefined;
export const NO_NATS_SERVER = "skipped: there is no nats-server on the PATH or in /usr/sbin (apt install nats-server)";

/** As many as that in one cluster. */
export async function natsCluster(size: number): Promise<NatsServer[]> {
  const ports = Array.from({ length: size }, freePort);
  const routes = ports.map((port) => `nats://127.0.0.1:${port}`);
  return await Promise.all(
    routes.map((route, n) =>
      NatsServer.start("-n", `n${n}`, "--cluster_name", "test", "--cluster", route, "--routes", routes.join()),
    ),
  );
}

/** The servers of a cluster find each other by ports that must be known before. */
function freePort(): number {
  const listener = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  const { port } = listener;
  listener.stop(true);
  return port;
}

export class NatsServer implements AsyncDisposable {
  readonly #folder: AsyncDisposable & { path: string };
  readonly #more: readonly string[];
  #process: Bun.Subprocess | undefined;
  #port = -1; // a free one
  #monitor: string | undefined; // URL

  private constructor(folder: AsyncDisposable & { path: string }, more: readonly string[]) {
    this.#folder = folder;
    this.#more = more;
  }

  static async start(...more: string[]): Promise<NatsServer> {
    const server = new NatsServer(await temporaryFolder(), more);
    await server.start();
    return server;
  }

  get port(): number {
    return this.#port;
  }

  get address(): string {
    return `nats://127.0.0.1:${this.#port}`;
  }

  /** Of a cluster: whether it has caught up with the others. */
  async isHealthy(): Promise<boolean> {
    return await fetch(`${this.#monitor}/healthz`).then(
      ({ status }) => status === 200,
      () => false,
    );
  }

  /** Again on the port of the first time. */
  async start(): Promise<void> {
    const { path } = this.#folder;
    const ports = join(path, "ports");
    await Bun.$`rm -rf ${ports} && mkdir -p ${ports}`;
    const args = ["-a", "127.0.0.1", "-p", String(this.#port), "-js", "-sd", join(path, "data"), ...this.#more];
    if (this.#more.length > 0) args.push("-m", "-1");
    const command = [NATS_SERVER ?? "nats-server", ...args, "--ports_file_dir", ports];
    this.#process = Bun.spawn(command, { stdout: "ignore", stderr: Bun.file(join(path, "log")) });
    for (;;) {
      const [file] = await readdir(ports); // written when it listens
      const text = file === undefined ? "" : await Bun.file(join(ports, file)).text();
      if (text !== "") {
        const { nats, monitoring } = JSON.parse(text) as { nats: string[]; monitoring?: string[] };
        this.#port = Number(nats[0]?.split(":").at(-1));
        this.#monitor = monitoring?.[0];
        return;
      }
      if (this.#process.exitCode !== null) throw new Error(await Bun.file(join(path, "log")).text());
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  async kill(): Promise<void> {
    this.#process?.kill("SIGKILL");
    await this.#process?.exited;
  }

  /** Stops it without ending it, as a machine that hangs; or lets it go on. */
  signal(signal: "SIGSTOP" | "SIGCONT"): void {
    this.#process?.kill(signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    await this.#folder[Symbol.asyncDispose]();
  }
}
