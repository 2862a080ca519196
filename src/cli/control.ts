/**
 * The control socket: how another process of the same user hands work to the one that runs an identity. HTTP on a unix
 * socket in the identity's folder, mode 600: a POST carries one command, its answer is the events that it causes.
 */
import { lstatSync, mkdirSync, rmSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { WarrenError } from "../base/errors.ts";
import { errorEvent, MAX_COMMAND_BYTES, parseCommand, type Emit, type FaceEvent, type Performer } from "./events.ts";
import { inputLines } from "./input-lines.ts";

const MAX_PATH_BYTES = 100; // a unix socket's path fits in 104 bytes on macOS and 108 on Linux, the final zero included
const MAX_UNREAD_EVENTS = 10_000; // what a watcher that does not read may leave waiting; past it the stream is ended

// A watcher may have nothing to hear for days. Bun 1.4.5 heeds this on a unix socket, where its types do not allow it.
const NEVER_IDLE: object = { idleTimeout: 0 };

/**
 * Takes commands for `performer` until it is disposed of. The caller must own the identity: a socket that an earlier
 * owner left behind is removed.
 */
export function serveControl(folder: string, performer: Performer): Disposable {
  const path = controlPath(folder, true);
  rmSync(path, { force: true });
  const umask = process.umask(0o177); // so that the socket is private from its first moment
  try {
    const server = Bun.serve({
      unix: path,
      maxRequestBodySize: MAX_COMMAND_BYTES,
      fetch: async (request) => new Response(perform(performer, await request.text(), request.signal)),
      ...NEVER_IDLE,
    });
    return { [Symbol.dispose]: () => void server.stop(true).finally(() => rmSync(path, { force: true })) };
  } finally {
    process.umask(umask);
  }
}

/** The process that runs the identity of `folder`, or undefined when none does. */
export async function findRunning(folder: string): Promise<Performer | undefined> {
  const path = controlPath(folder, false);
  try {
    await (await fetch("http://warren/", { unix: path })).body?.cancel(); // any answer will do
  } catch {
    return undefined; // no socket, or nobody behind it
  }
  return { perform: (command, emit, signal) => ask(path, JSON.stringify(command), emit, signal) };
}

/** Where the socket of an identity is: in its folder, or where that is too long in a private folder for such sockets. */
export function controlPath(folder: string, make: boolean): string {
  const path = join(folder, "control.sock");
  if (Buffer.byteLength(path) <= MAX_PATH_BYTES) return path;
  const { uid } = userInfo();
  const shared = join(tmpdir(), `warren-${uid}`);
  if (make) mkdirSync(shared, { recursive: true, mode: 0o700 });
  const found = lstatSync(shared, { throwIfNoEntry: false });
  // Anybody can make a folder of that name first, and would then hear and say what goes through it.
  if (found && (!found.isDirectory() || found.uid !== uid || (found.mode & 0o077) !== 0)) {
    const message = `${shared} is not a private folder of yours: remove it, or use a shorter --home`;
    throw new WarrenError("HOME_UNWRITABLE", message);
  }
  return join(shared, `${Bun.SHA256.hash(folder, "hex").slice(0, 16)}.sock`);
}

function perform(performer: Performer, line: string, signal: AbortSignal): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  const ended = new AbortController(); // the asker has gone away
  signal.addEventListener("abort", () => ended.abort());
  return new ReadableStream(
    {
      async start(controller) {
        const emit: Emit = (event) => {
          if (ended.signal.aborted) return;
          controller.enqueue(encoder.encode(`${JSON.stringify(event)}\n`));
          if ((controller.desiredSize ?? 0) <= 0) ended.abort();
        };
        try {
          await performer.perform(parseCommand(line), emit, ended.signal);
        } catch (error) {
          emit(errorEvent(error));
        }
        if (!signal.aborted) controller.close();
      },
      cancel: () => ended.abort(),
    },
    new CountQueuingStrategy({ highWaterMark: MAX_UNREAD_EVENTS }),
  );
}

async function ask(path: string, command: string, emit: Emit, signal?: AbortSignal): Promise<void> {
  try {
    const request = { unix: path, method: "POST", body: command, ...(signal ? { signal } : {}), timeout: false };
    const response = await fetch("http://warren/", request);
    if (!response.body) return;
    for await (const line of inputLines(response.body, Number.MAX_SAFE_INTEGER)) {
      if (line !== null) emit(JSON.parse(line) as FaceEvent); // from a process of ours
    }
  } catch (error) {
    if (signal?.aborted) return;
    throw new WarrenError("CONNECTION_LOST", "the running peer ended before it had answered: try again", {
      cause: error,
    });
  }
}
