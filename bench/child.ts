/** Child: a process of a measurement, and the channel to it. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface Channel {
  send(value: unknown): void;
  /** The next value of the other side. Rejects when its process has ended. */
  receive(): Promise<unknown>;
}

export type Role = (channel: Channel, options: never) => unknown;

export interface Child extends Channel, AsyncDisposable {
  readonly pid: number;
  /** Resident memory now, in bytes. */
  resident(): Promise<number>;
  /** Processor time so far, in ms, in steps of 10. */
  spent(): Promise<number>;
}

export interface StartOptions {
  /** Cores that it may run on, as taskset takes them. */
  cores?: string;
}

/** Starts `role` of the question in `file` as a process of its own. */
export function start(file: string, role: string, options: object = {}, { cores }: StartOptions = {}): Child {
  const pinned = cores === undefined ? [] : ["taskset", "-c", cores];
  const received: unknown[] = [];
  const waiting: PromiseWithResolvers<unknown>[] = [];
  const child = Bun.spawn(
    [...pinned, process.execPath, join(import.meta.dir, "role.ts"), file, role, JSON.stringify(options)],
    {
      stdout: "inherit",
      stderr: "inherit",
      ipc(value) {
        const next = waiting.shift();
        if (next) next.resolve(value);
        else received.push(value);
      },
    },
  );
  void child.exited.then((code) =>
    waiting.forEach((one) => one.reject(new Error(`${role} of ${file} has ended (${code})`))),
  );
  return {
    pid: child.pid,
    send: (value) => child.send(value),
    receive() {
      if (received.length > 0) return Promise.resolve(received.shift());
      if (child.exitCode !== null) return Promise.reject(new Error(`${role} of ${file} has ended`));
      const next = Promise.withResolvers<unknown>();
      waiting.push(next);
      return next.promise;
    },
    resident: () => residentOf(child.pid),
    spent: () => spentBy(child.pid),
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await child.exited;
    },
  };
}

/** Bytes of memory that a process holds that are its own or shared, without what only the page cache holds. Linux only. */
export async function residentOf(pid: number): Promise<number> {
  const status = await Bun.file(`/proc/${pid}/status`).text();
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? Number.NaN) * 1_024;
}

/** Of all threads, in user and system mode. The kernel counts it in steps of 10 ms. Linux only. */
async function spentBy(pid: number): Promise<number> {
  const stat = await Bun.file(`/proc/${pid}/stat`).text();
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" "); // the name before it may contain spaces
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

/** A folder that is gone afterwards. */
export async function temporaryFolder(): Promise<AsyncDisposable & { path: string }> {
  const path = await mkdtemp(join(tmpdir(), "warren-bench-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}
