/** Two machines with nothing but a cable between them: network namespaces, for which Linux, iproute2 and root are needed. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const SOURCE = fileURLToPath(new URL("../../src/cli/", import.meta.url));
/** In the range for tests of RFC 2544: no network uses it. */
export const ADDRESSES = ["198.18.0.1", "198.18.0.2"] as const;

/** They go, with all that runs on them, when they are disposed of. */
export class TwoMachines implements AsyncDisposable {
  readonly folder: string;
  readonly #names = [0, 1].map((n) => `warren${process.pid}-${n}`);
  readonly #ends = [0, 1].map((n) => `wv${process.pid}-${n}`); // at most 15 characters
  readonly #children: Bun.Subprocess[] = [];

  static async make(): Promise<TwoMachines> {
    const machines = new TwoMachines(await mkdtemp(join(tmpdir(), "warren-netns-")));
    try {
      await machines.#connect();
      return machines;
    } catch (error) {
      await machines[Symbol.asyncDispose]();
      throw error;
    }
  }

  private constructor(folder: string) {
    this.folder = folder;
  }

  /** Runs one of our programs on a machine. */
  run(machine: 0 | 1, program: string, ...args: string[]): Bun.Subprocess<"pipe", "pipe", "pipe"> {
    const command = [
      "ip",
      "netns",
      "exec",
      this.#names[machine] ?? "",
      process.execPath,
      `${SOURCE}${program}`,
      ...args,
    ];
    const home = join(this.folder, `home${machine}`);
    const child = Bun.spawn([...command, "--home", home], {
      stdin: "pipe",
      stdout: "pipe",
      stderr: "pipe",
      cwd: this.folder,
    });
    this.#children.push(child); // `ip netns exec` becomes the program: there is nothing in between to be killed
    return child;
  }

  /**
   * Lets everything that one of them sends get lost on its way, or no longer: the cable's other end does not take packets
   * that are for somebody else. Neither side is told, as by a router that has died.
   */
  async lose(from: 0 | 1, isLost: boolean): Promise<void> {
    const entry = [ADDRESSES[from === 0 ? 1 : 0], "dev", this.#ends[from] ?? ""];
    const stray = ["lladdr", "02:00:00:00:00:01", "nud", "permanent"];
    await ip(
      "-n",
      this.#names[from] ?? "",
      "neighbour",
      ...(isLost ? ["replace", ...entry, ...stray] : ["delete", ...entry]),
    );
  }

  /** How many TCP connections one of them takes for alive. */
  async connections(of: 0 | 1): Promise<number> {
    const show = ["ip", "netns", "exec", this.#names[of] ?? "", "ss", "-Htn", "state", "established"];
    const lines = await Bun.spawn(show, { stderr: "ignore" }).stdout.text();
    return lines.split("\n").length - 1;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#children) child.kill("SIGKILL");
    await Promise.all(this.#children.map((child) => child.exited));
    for (const name of this.#names) await ip("netns", "delete", name).catch(() => {}); // it may not have been made
    await rm(this.folder, { recursive: true });
  }

  async #connect(): Promise<void> {
    const ends = this.#ends;
    for (const name of this.#names) await ip("netns", "add", name);
    await ip("link", "add", ends[0] ?? "", "type", "veth", "peer", "name", ends[1] ?? "");
    for (const [n, name] of this.#names.entries()) {
      const end = ends[n] ?? "";
      await ip("link", "set", end, "netns", name);
      await ip("-n", name, "address", "add", `${ADDRESSES[n]}/24`, "dev", end);
      await ip("-n", name, "link", "set", end, "up");
      await ip("-n", name, "link", "set", "lo", "up");
    }
  }
}

async function ip(...args: string[]): Promise<void> {
  const child = Bun.spawn(["ip", ...args], { stderr: "pipe" });
  if ((await child.exited) !== 0) throw new Error(`ip ${args.join(" ")}: ${await child.stderr.text()}`);
}

/** Why there can be no two machines here; undefined if there can. */
export async function obstacleToTwoMachines(): Promise<string | undefined> {
  if (process.platform !== "linux") return "network namespaces are Linux's";
  if (!Bun.which("ip")) return "iproute2 is not installed";
  try {
    await using _ = await TwoMachines.make();
    return undefined;
  } catch (error) {
    return String(error);
  }
}
