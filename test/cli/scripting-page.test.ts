import { expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import dice from "../../bots/dice.ts";
import { openJobRows } from "../../src/bot/job-rows.ts";
import { parseCommand, type FaceEvent } from "../../src/cli/events.ts";
import { jsonMode } from "../../src/cli/json-mode.ts";
import { Notices } from "../../src/cli/notices.ts";
import { Session } from "../../src/cli/session.ts";
import { startRegistry } from "../../src/registry/server.ts";
import { openPeer } from "../../src/warren.ts";

const SOURCES = join(import.meta.dir, "../../src/cli");
const page = await Bun.file(join(import.meta.dir, "../../docs/scripting.md")).text();
const lines = [...page.matchAll(/^```text\n([^]*?)^```$/gm)].flatMap(([, block = ""]) => block.trim().split("\n"));
const commands = lines.filter((line) => line.startsWith('{"do"'));
const shown = lines.filter((line) => !line.startsWith('{"do"')).map((line) => JSON.parse(line) as FaceEvent);

test("docs/scripting.md shows every command, and every line that it shows is one", () => {
  const known = told("{}").split("one of ")[1]?.split(", ") ?? [];
  expect(known.length).toBeGreaterThan(5);
  expect([...new Set(commands.map((line) => parseCommand(line).do as string))].sort()).toEqual(known.sort());
});

test("docs/scripting.md shows every event, and no other", async () => {
  const sources = await Promise.all(["events.ts", "care.ts"].map((file) => Bun.file(join(SOURCES, file)).text()));
  const declared = [...sources.join("").matchAll(/readonly event: ("[a-z" |-]+)/g)];
  const known = declared.flatMap(([, names = ""]) =>
    [...names.matchAll(/"([a-z-]+)"/g)].map(([, name]) => String(name)),
  );
  expect([...new Set(shown.map(({ event }) => event as string))].sort()).toEqual([...new Set(known)].sort());
});

test("the events in docs/scripting.md look like those that its commands bring", async () => {
  const events = await converse();
  for (const example of shown) {
    const real = events.find(({ event }) => event === example.event);
    expect([example.event, real && keysOf(real)]).toEqual([example.event, keysOf(example)]);
  }
});

function keysOf(event: FaceEvent): string[] {
  return Object.keys(event).filter((key) => key !== "ref");
}

/** What ann's peer prints while the commands of the page are typed, and bob answers. */
async function converse(): Promise<FaceEvent[]> {
  const home = await mkdtemp(join(tmpdir(), "warren-scripting-"));
  try {
    await using registry = await startRegistry({ folder: join(home, "registry"), port: 0 });
    const shared = { home, host: "127.0.0.1", registry: registry.url };
    await using ann = await openPeer({ ...shared, name: "ann" });
    await using notices = new Notices(ann);
    await openJobRows(ann, "ann").set("r1", { name: "remind", due: 0, next: 0, attempts: 0 });
    const stopped = new AbortController();
    using session = new Session(ann, () => stopped.abort());
    const events: FaceEvent[] = [];
    const answered = Promise.withResolvers<void>();
    const drafted = Promise.withResolvers<void>();
    const met = Promise.withResolvers<void>();
    const called = Promise.withResolvers<void>();
    const emit = (event: FaceEvent): void => {
      events.push(event);
      if (new Set(events.flatMap((one) => (one.event === "presence" ? [one.peer.name] : []))).size === 2) met.resolve();
      if (event.event === "result") called.resolve();
      if (event.event === "draft") drafted.resolve();
      if (event.event === "message") answered.resolve();
    };
    const input = async function* (): AsyncGenerator<Uint8Array> {
      await met.promise;
      for (const line of commands) {
        const heard = events.find(({ event }) => event === "message");
        const id = heard?.event === "message" ? heard.id : "";
        yield Buffer.from(`${line.replace("/tmp/", `${home}/`).replace("QJ5a_R1vQltv.1", id)}\n`);
        if (parseCommand(line).do === "send") await answered.promise;
        if (parseCommand(line).do === "call") await called.promise;
      }
    };
    const talk = jsonMode({
      peer: ann,
      session,
      notices,
      input: input(),
      emit,
      timeoutMs: 0,
      stopped: stopped.signal,
    });
    await using bob = await openPeer({ ...shared, name: "bob" });
    await using caster = await openPeer({ ...shared, name: "dice", kind: "bot" });
    await caster.use(dice);
    bob.on("message", (message) =>
      message.reply(
        (async function* () {
          yield "fi";
          await drafted.promise;
          yield "ne";
        })(),
      ),
    );
    await talk;
    return events;
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}

/** What is said of a line that is no command. */
function told(line: string): string {
  try {
    parseCommand(line);
  } catch (error) {
    return String(error);
  }
  return "";
}
