import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdir, mkdtemp, rm, stat, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { controlPath, findRunning, serveControl } from "../../src/cli/control.ts";
import type { FaceEvent, Performer } from "../../src/cli/events.ts";

let folder = "";
beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), "warren-control-"))));
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

test("a command goes to whoever runs the identity, and its events come back", async () => {
  expect(await findRunning(folder)).toBeUndefined();
  using _ = serveControl(folder, echo);
  const events: FaceEvent[] = [];
  await (
    await findRunning(folder)
  )?.perform({ do: "send", to: "bob", text: "grüß\ndich", ref: 1 }, (event) => events.push(event));
  expect(events).toEqual([note('{"do":"send","to":"bob","text":"grüß\\ndich","ref":1}')]);
});

test("only its user may speak to the socket, and its end leaves nothing behind", async () => {
  const served = serveControl(folder, echo);
  expect((await stat(controlPath(folder, false))).mode & 0o777).toBe(0o600);
  served[Symbol.dispose]();
  expect(await findRunning(folder)).toBeUndefined();
});

test("whoever stops listening ends the command", async () => {
  using _ = serveControl(folder, echo);
  const enough = new AbortController();
  await (await findRunning(folder))?.perform({ do: "watch" }, () => enough.abort(), enough.signal);
  await ended.promise;
});

test("a running peer that ends in the middle is told of", async () => {
  const served = serveControl(folder, echo);
  const running = await findRunning(folder);
  const watching = running?.perform({ do: "watch" }, () => served[Symbol.dispose]());
  expect(watching).rejects.toThrow("the running peer ended");
  await watching?.catch(() => {});
});

test("a socket that a dead process left is taken over", async () => {
  await Bun.write(controlPath(folder, true), "");
  expect(await findRunning(folder)).toBeUndefined();
  using _ = serveControl(folder, echo);
  expect(await findRunning(folder)).toBeDefined();
});

test("a folder whose path is too long for a socket gets one in a private folder", async () => {
  const deep = join(folder, "d".repeat(120));
  await mkdir(deep);
  using _ = serveControl(deep, echo);
  expect(Buffer.byteLength(controlPath(deep, false))).toBeLessThanOrEqual(100);
  expect(await findRunning(deep)).toBeDefined();
  expect(controlPath(join(folder, "e".repeat(120)), false)).not.toBe(controlPath(deep, false));
});

test("a folder of that name that somebody else could have made is refused", async () => {
  const temporary = process.env["TMPDIR"];
  try {
    process.env["TMPDIR"] = folder;
    const uid = process.getuid?.() ?? 0;
    await symlink(tmpdir(), join(folder, `warren-${uid}`));
    expect(() => controlPath("x".repeat(120), false)).toThrow("is not a private folder of yours");
  } finally {
    if (temporary === undefined) delete process.env["TMPDIR"];
    else process.env["TMPDIR"] = temporary;
  }
});
