/** Running: the process that runs an identity, as another process of the same user asks it through its control socket. */
import type { Socket } from "bun";
import { WarrenError } from "../base/errors.ts";
import { LineReader } from "../wire/lines.ts";
import { controlPath } from "./control-path.ts";
import { DONE } from "./control.ts";
import { MAX_COMMAND_BYTES, type Command, type Emit, type FaceEvent, type Performer } from "./events.ts";
import { LineWriter } from "./line-writer.ts";

/** The process that runs the identity of `folder`, or undefined when none does. */
export async function findRunning(folder: string): Promise<Performer | undefined> {
  const path = controlPath(folder, false);
  try {
    (await Bun.connect({ unix: path, socket: { data() {} } })).end();
  } catch {
    return undefined; // no socket, or nobody behind it
  }
  return { perform: (command, emit, signal) => ask(path, command, emit, signal) };
}

async function ask(path: string, command: Command, emit: Emit, signal?: AbortSignal): Promise<void> {
  const { byteLength } = Buffer.from(JSON.stringify(command));
  if (byteLength > MAX_COMMAND_BYTES) {
    throw new WarrenError("USAGE", `a command of ${byteLength} bytes; the limit is ${MAX_COMMAND_BYTES}`);
  }
  const { promise: answered, resolve, reject } = Promise.withResolvers<void>();
  const reader = new LineReader();
  let connected: Socket<LineWriter> | undefined;
  const leave = (): void => {
    resolve();
    connected?.terminate();
  };
  const lost = (cause?: unknown): void => {
    const message = "the running peer ended before it had answered: try again";
    reject(new WarrenError("CONNECTION_LOST", message, { cause }));
  };
  signal?.addEventListener("abort", leave, { once: true });
  Bun.connect<LineWriter>({
    unix: path,
    socket: {
      open(socket) {
        connected = socket;
        socket.data = new LineWriter(socket);
        if (signal?.aborted) leave();
        else socket.data.push(command);
      },
      data(socket, chunk) {
        for (const value of reader.push(chunk, Infinity)) {
          if (signal?.aborted) return;
          if (!isDone(value)) {
            emit(value as FaceEvent); // from a process of ours
            continue;
          }
          resolve();
          socket.end();
        }
      },
      drain: (socket) => socket.data.drain(),
      close: () => lost(),
      error(socket, error) {
        reject(error); // of `emit`, or of a line that is none
        socket.terminate();
      },
    },
  }).catch(lost);
  try {
    await answered;
  } finally {
    signal?.removeEventListener("abort", leave);
  }
}

function isDone(value: unknown): boolean {
  return (value as { event?: unknown }).event === DONE.event;
}
