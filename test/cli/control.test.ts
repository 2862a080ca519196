import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdir, mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { controlPath } from "../../src/cli/control-path.ts";
import { MAX_UNREAD_BYTES, serveControl } from "../../src/cli/control.ts";
import { MAX_COMMAND_BYTES, type FaceEvent, type Performer } from "../../src/cli/events.ts";
import { findRunning } from "../../src/cli/running.ts";

let folder = "";
beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), "warren-control-"))));
afterEach(() => rm(folder, { recursive: true }));

const note = (message: string): FaceEvent => ({ event: "error", code: "NOTE", message });
/** Repeats each command as an event; "watch" goes on until the asker has gone. */
const echo: Performer = {
  async perform(command, emit, signal) {
    emit(note(JSON.stringify(command)));
    if (command.do === "watch") await new Promise((resolve) => signal?.addEventListener("abort", resolve));
  },
};
const WHOAMI = `${JSON.stringify(note('{"do":"whoami"}'))}\n{"event":"done"}\n`;

test("one line asks, and is answered by a line for each event and one for the end, after which nobody stays", async () => {
  using _ = serveControl(folder, echo);
  expect(await raw(['{"do":"whoami"}\n'])).toBe(WHOAMI);
});

test("a command is the same however it is cut, and what follows it means nothing", async () => {
  using _ = serveControl(folder, echo);
  expect(await raw(['{"do":', '"who', 'ami"}', '\n{"do":"stop"}\nmore'])).toBe(WHOAMI);
});

test("what is no command, or too long for one, is an error and the end", async () => {
  using _ = serveControl(folder, echo);
  expect(await raw(["GET / HTTP/1.1\r\n\r\n"])).toMatch(/^\{"event":"error","code":"USAGE".*\n\{"event":"done"\}\n$/);
  expect(await raw(["[]\n"])).toContain('"USAGE"');
  const tooLong = `"${"x".repeat(MAX_COMMAND_BYTES)}`; // whose end never comes
  expect(await raw([tooLong])).toContain(`a line of over ${MAX_COMMAND_BYTES} bytes`);
});

test("a command that fails is answered with the reason", async () => {
  using _ = serveControl(folder, { perform: () => Promise.reject(new Error("no")) });
  expect(await raw(['{"do":"whoami"}\n'])).toBe(
    '{"event":"error","code":"UNEXPECTED","message":"no"}\n{"event":"done"}\n',
  );
});

test("an answer of any size comes whole", async () => {
  const large = note("x".repeat(3 * MAX_UNREAD_BYTES));
  using _ = serveControl(folder, { perform: async (_command, emit) => emit(large) });
  expect(await raw(['{"do":"users"}\n'])).toBe(`${JSON.stringify(large)}\n{"event":"done"}\n`);
});

test("one who does not read is ended at the bound, and what it asked for with it", async () => {
  let sentBytes = 0;
  const done = Promise.withResolvers<boolean>();
  const talker: Performer = {
    async perform(_command, emit, signal) {
      while (sentBytes < 3 * MAX_UNREAD_BYTES) {
        if (signal?.aborted) break;
        emit(note("x".repeat(100_000)));
        sentBytes += 100_000;
      }
      done.resolve(signal?.aborted === true);
    },
  };
  using _ = serveControl(folder, talker);
  const heard = raw(['{"do":"watch"}\n']);
  expect(await done.promise).toBeTrue();
  expect(sentBytes).toBeLessThan(2 * MAX_UNREAD_BYTES);
  expect(await heard).not.toContain("done");
});

test("several are answered at once, and one that goes away ends only its own command", async () => {
  const ended: string[] = [];
  const both = Promise.withResolvers<void>();
  const watch: Performer = {
    async perform(command, emit, signal) {
      emit(note(String(command.ref)));
      signal?.addEventListener("abort", () => ended.push(String(command.ref)));
      if (command.ref === "b") both.resolve();
      await new Promise<void>((resolve) => signal?.addEventListener("abort", () => resolve()));
    },
  };
  const served = serveControl(folder, watch);
  const running = await findRunning(folder);
  const enough = new AbortController();
  const first = running?.perform({ do: "watch", ref: "a" }, () => {}, enough.signal);
  const second = running?.perform({ do: "watch", ref: "b" }, () => {}).catch(() => {});
  await both.promise;
  enough.abort();
  await first;
  expect(await raw(['{"do":"watch","ref":"c"}\n'], (_heard, leave) => leave())).toContain('"c"');
  expect(ended).toContain("a");
  expect(ended).not.toContain("b");
  served[Symbol.dispose]();
  await second;
  expect(ended.toSorted()).toEqual(["a", "b", "c"]);
});

test("only its user may speak to the socket, and its end leaves nothing behind", async () => {
  const served = serveControl(folder, echo);
  expect((await stat(controlPath(folder, false))).mode & 0o777).toBe(0o600);
  expect(await readdir(folder)).toEqual(["control.sock"]);
  served[Symbol.dispose]();
  expect(await readdir(folder)).toEqual([]);
});

test("a socket that a dead process left is taken over", async () => {
  await Bun.write(controlPath(folder, true), "");
  using _ = serveControl(folder, echo);
  expect(await raw(['{"do":"whoami"}\n'])).toBe(WHOAMI);
});

test("a folder whose path is too long for a socket is served all the same", async () => {
  const deep = join(folder, "d".repeat(120));
  await mkdir(deep);
  using _ = serveControl(deep, echo);
  expect(await findRunning(deep)).toBeDefined();
});

/** Writes the pieces, and resolves with all that came when the other side has closed, or `onData` has. */
async function raw(
  pieces: readonly string[],
  onData = (_text: string, _leave: () => void): void => {},
): Promise<string> {
  const closed = Promise.withResolvers<void>();
  let heard = "";
  let unsent = Buffer.from("");
  const socket = await Bun.connect({
    unix: controlPath(folder, false),
    socket: {
      data(from, chunk) {
        heard += chunk.toString();
        onData(heard, () => from.terminate());
      },
      drain: (to) => void (unsent = unsent.subarray(Math.max(0, to.write(unsent)))),
      close: () => closed.resolve(),
    },
  });
  for (const piece of pieces) {
    unsent = Buffer.from(piece);
    unsent = unsent.subarray(Math.max(0, socket.write(unsent)));
    await new Promise(setImmediate); // so that they come one by one
  }
  await closed.promise;
  return heard;
}
