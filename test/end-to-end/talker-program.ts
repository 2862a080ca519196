/**
 * A peer as a process of its own, for the tests that kill and restore: commands on standard input, events on standard
 * output, one JSON object a line.
 *
 * Arguments: home, name, port, and "answers" if it is to answer whatever it hears.
 */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { silentLog } from "../../src/base/log.ts";
import { systemWorld } from "../../src/base/world.ts";
import { openIdentity } from "../../src/identity/identity.ts";
import { Peer } from "../../src/peer/peer.ts";
import { createTlsTransport } from "../../src/peer/tls.ts";
import { openStore } from "../../src/store/store.ts";
import { readLines } from "./lines.ts";
import type { TalkerCommand, TalkerEvent } from "./talker.ts";

const [home = "", name = "", port = "0", manner] = process.argv.slice(2);
const AHEAD = 100;
const ALL = { limit: 1_000_000 };

await mkdir(home, { recursive: true });
const store = openStore(join(home, "peer.db"), systemWorld.clock);
const identity = await openIdentity(home);
const peer = await Peer.open({
  info: { id: identity.id, name, kind: "person" },
  store,
  transport: createTlsTransport({ identity, clock: systemWorld.clock }),
  world: systemWorld,
  log: silentLog,
  host: "127.0.0.1",
  port: Number(port),
});
let answered = 0; // the highest number of ours that was answered
let wake = (): unknown => undefined;
peer.on("message", async (message) => {
  emit({ event: "heard", text: message.text });
  answered = Number(/^re (\d+)$/.exec(message.text)?.[1] ?? answered);
  wake();
  if (manner === "answers") await message.reply(`re ${message.text}`);
});
peer.on("notice", ({ code, message }) => emit({ event: "notice", text: `${code}: ${message}` }));
peer.on("receipt", ({ state }) => emit({ event: "receipt", state }));
emit({ event: "ready", id: peer.id, port: peer.port });

for await (const line of readLines(Bun.stdin.stream())) void perform(JSON.parse(line) as TalkerCommand);
await peer.close();
process.exit();

async function perform(command: TalkerCommand): Promise<void> {
  switch (command.do) {
    case "meet":
      return emit({ event: "met", id: (await peer.resolve(command.address)).id });
    case "send":
      await peer.send(command.to, command.text);
      return emit({ event: "sent", text: command.text });
    case "stream":
      return await stream(command.to, command.upTo);
    case "history": {
      const entries = await peer.history(command.with, ALL);
      return emit({
        event: "history",
        lines: entries.map(({ from, text, state }) => ({ own: from.id === peer.id, text, state })),
      });
    }
  }
}

/** Sends the numbers up to `upTo` and goes on where its own history ends, never far ahead of the answers. */
async function stream(to: string, upTo: number): Promise<void> {
  const history = await peer.history(to, ALL);
  const own = history.filter(({ from }) => from.id === peer.id);
  answered = Math.max(answered, history.length - own.length);
  for (let n = own.length + 1; n <= upTo; n++) {
    if (n - answered > AHEAD) await answeredUpTo(n - AHEAD);
    await peer.send(to, String(n));
  }
}

function answeredUpTo(n: number): Promise<void> {
  return new Promise((resolve) => {
    wake = () => answered >= n && resolve();
  });
}

function emit(event: TalkerEvent): void {
  process.stdout.write(`${JSON.stringify(event)}\n`);
}
