import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { controlPath } from "../../src/cli/control-path.ts";
import { serveControl } from "../../src/cli/control.ts";
import { MAX_COMMAND_BYTES, type FaceEvent, type Performer } from "../../src/cli/events.ts";
import { findRunning } from "../../src/cli/running.ts";

let folder = "";
beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), "warren-running-"))));
afterEach(() => rm(folder, { recursive: true }));

const note = (message: string): FaceEvent => ({ event: "error", code: "NOTE", message });
/** Repeats each command as an event; "watch" goes on until the asker has had enough. */
const echo: Performer = {
  async perform(command, emit, signal) {
    emit(note(JSON.stringify(command)));
    if (command.do !== "watch") return;
    await new Promise((resolve) => signal?.addEventListener("abort", resolve));
    ended.resolve();
  },
};
let ended = Promise.withResolvers<void>();
beforeEach(() => void (ended = Promise.withResolvers<void>()));

test("nobody runs an identity without a socket, nor with one that a dead process left", async () => {
  expect(await findRunning(folder)).toBeUndefined();
  await Bun.write(controlPath(folder, true), "");
  expect(await findRunning(folder)).toBeUndefined();
});

test("a command goes to whoever runs the identity, and its events come back", async () => {
  using _ = serveControl(folder, echo);
  const events: FaceEvent[] = [];
  const running = await findRunning(folder);
  await running?.perform({ do: "send", to: "bob", text: "grüß\ndich", ref: 1 }, (event) => events.push(event));
  expect(events).toEqual([note('{"do":"send","to":"bob","text":"grüß\\ndich","ref":1}')]);
});

test("the longest command comes whole, and one that is longer is refused before it is sent", async () => {
  const lengths: number[] = [];
  const counter: Performer = {
    perform: async (command) => void lengths.push(JSON.stringify(command).length),
  };
  using _ = serveControl(folder, counter);
  const running = await findRunning(folder);
  const longest = "x".repeat(MAX_COMMAND_BYTES - '{"do":"send","to":"bob","text":""}'.length);
  await running?.perform({ do: "send", to: "bob", text: longest }, () => {});
  expect(lengths).toEqual([MAX_COMMAND_BYTES]);
  const tooLong = running?.perform({ do: "send", to: "bob", text: `${longest}x` }, () => {});
  expect(await tooLong?.catch((error: unknown) => error)).toMatchObject({ code: "USAGE" });
});

test("whoever stops listening ends the command", async () => {
  using _ = serveControl(folder, echo);
  const enough = new AbortController();
  await (await findRunning(folder))?.perform({ do: "watch" }, () => enough.abort(), enough.signal);
  await ended.promise;
});

test("one who has had enough before asking asks nothing", async () => {
  let asked = 0;
  using _ = serveControl(folder, { perform: async () => void asked++ });
  const running = await findRunning(folder);
  await running?.perform({ do: "whoami" }, () => {}, AbortSignal.abort());
  await running?.perform({ do: "whoami" }, () => {});
  expect(asked).toBe(1);
});

test("a running peer that ends in the middle is told of", async () => {
  const served = serveControl(folder, echo);
  const running = await findRunning(folder);
  const watching = running?.perform({ do: "watch" }, () => served[Symbol.dispose]());
  expect(await watching?.catch((error: unknown) => error)).toMatchObject({ code: "CONNECTION_LOST" });
});

test("an error of whoever is told is its own", async () => {
  using _ = serveControl(folder, echo);
  const wrong = new Error("cannot show that");
  const asked = (await findRunning(folder))?.perform({ do: "whoami" }, () => {
    throw wrong;
  });
  expect(await asked?.catch((error: unknown) => error)).toBe(wrong);
});
