/**
 * The control socket: how another process of the same user hands work to the one that runs an identity. A unix socket in
 * the identity's folder, mode 600. Whoever connects writes one command; its events come back, one a line, and `DONE`.
 */
import { chmodSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Socket } from "bun";
import { isWarrenError, WarrenError } from "../base/errors.ts";
import { LineReader } from "../wire/lines.ts";
import { controlPath } from "./control-path.ts";
import { errorEvent, MAX_COMMAND_BYTES, toCommand, type FaceEvent, type Performer } from "./events.ts";
import { LineWriter } from "./line-writer.ts";

/** How much an asker may have left unread when the next event comes: 4 MiB. Past it, it is ended. */
export const MAX_UNREAD_BYTES = 4_194_304;

/** The last line of an answer. Without it, one that broke off would look like a whole one. */
export const DONE = { event: "done" };

/**
 * Takes commands for `performer` until it is disposed of. The caller must own the identity: a socket that an earlier
 * owner left behind is replaced.
 */
export function serveControl(folder: string, performer: Performer): Disposable {
  const path = controlPath(folder, true);
  // Bound where nobody else can reach it, to be private from its first moment. The umask would be that of all bots' threads.
  const room = mkdtempSync(join(dirname(path), "bind-"));
  try {
    const server = Bun.listen<Asker>({
      unix: join(room, "sock"),
      socket: {
        open: (socket) => void (socket.data = new Asker(socket, performer)),
        data: (socket, chunk) => socket.data.onData(chunk),
        drain: (socket) => socket.data.lines.drain(),
        close: (socket) => socket.data.leave(),
        error(socket, error) {
          socket.terminate();
          if (!("errno" in error)) reportError(error); // ours, and would go unseen
        },
      },
    });
    chmodSync(join(room, "sock"), 0o600);
    renameSync(join(room, "sock"), path);
    return {
      [Symbol.dispose]() {
        server.stop(true);
        rmSync(path, { force: true });
      },
    };
  } finally {
    rmSync(room, { recursive: true, force: true });
  }
}

/** One who has connected, from the command to the end of the answer. */
class Asker {
  readonly lines: LineWriter;
  readonly #socket: Socket<Asker>;
  readonly #performer: Performer;
  readonly #reader = new LineReader();
  readonly #gone = new AbortController();
  #hasAsked = false;

  constructor(socket: Socket<Asker>, performer: Performer) {
    this.lines = new LineWriter(socket);
    this.#socket = socket;
    this.#performer = performer;
  }

  /** What follows the command means nothing. */
  onData(chunk: Uint8Array): void {
    if (this.#hasAsked) return;
    try {
      const line = this.#reader.shift(chunk, MAX_COMMAND_BYTES);
      if (!line) return;
      this.#hasAsked = true;
      void this.#perform(line.value);
    } catch (error) {
      this.#hasAsked = true;
      this.#emit(errorEvent(badLine(error)));
      this.#end();
    }
  }

  leave(): void {
    this.#gone.abort();
  }

  async #perform(value: unknown): Promise<void> {
    try {
      await this.#performer.perform(toCommand(value), (event) => this.#emit(event), this.#gone.signal);
    } catch (error) {
      this.#emit(errorEvent(error));
    }
    this.#end();
  }

  #emit(event: FaceEvent): void {
    if (this.#gone.signal.aborted) return;
    if (this.lines.waiting <= MAX_UNREAD_BYTES) return this.lines.push(event);
    this.leave();
    this.#socket.terminate();
  }

  #end(): void {
    if (this.#gone.signal.aborted) return;
    this.lines.push(DONE);
    this.lines.end();
  }
}

function badLine(error: unknown): unknown {
  if (!isWarrenError(error)) return error;
  return new WarrenError("USAGE", `a command was expected, and there is ${error.message}`, { cause: error });
}
