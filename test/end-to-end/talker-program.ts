/**
 * A peer as a process of its own, for the tests that cut, kill and restore: commands on standard input, events on standard
 * output, one JSON object a line. Everything but the way to cut its connections is production code.
 *
 * Arguments: home, name, port.
 */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { silentLog } from "../../src/base/log.ts";
import { systemWorld } from "../../src/base/world.ts";
import { openIdentity } from "../../src/identity/identity.ts";
import type { Link, LinkHandler, Transport } from "../../src/peer/link.ts";
import { Peer } from "../../src/peer/peer.ts";
import { createTlsTransport } from "../../src/peer/tls.ts";
import { openStore } from "../../src/store/store.ts";
import type { TalkerCommand, TalkerEvent } from "./talker.ts";

const [home = "", name = "", port = "0"] = process.argv.slice(2);
const ALL = { limit: 1_000_000 };

await mkdir(home, { recursive: true });
const store = openStore(join(home, "peer.db"), systemWorld.clock);
const identity = await openIdentity(home);
const links = new Set<CuttableLink>();
let dials = 0;
const peer = await Peer.open({
  info: { id: identity.id, name, kind: "person" },
  store,
  transport: cuttable(createTlsTransport({ identity, clock: systemWorld.clock })),
  world: systemWorld,
  log: silentLog,
  host: "127.0.0.1",
  port: Number(port),
});
let answers = false;
peer.on("message", async (message) => {
  emit({ event: "heard", text: message.text });
  if (answers) await message.reply(`re ${message.text}`);
});
peer.on("notice", ({ code, message }) => emit({ event: "notice", text: `${code}: ${message}` }));
peer.on("receipt", ({ state }) => emit({ event: "receipt", state }));
emit({ event: "ready", id: peer.id, port: peer.port });

let rest = "";
for await (const text of Bun.stdin.stream().pipeThrough(new TextDecoderStream())) {
  const lines = (rest + text).split("\n");
  rest = lines.pop() ?? "";
  for (const line of lines) void perform(JSON.parse(line) as TalkerCommand);
}
await peer.close();
process.exit();

async function perform(command: TalkerCommand): Promise<void> {
  switch (command.do) {
    case "answer":
      answers = true;
      return;
    case "meet":
      return emit({ event: "met", id: (await peer.resolve(command.address)).id });
    case "send":
      await peer.send(command.to, command.text);
      return emit({ event: "sent", text: command.text });
    case "cut":
      for (const link of links) link.cut();
      return;
    case "links":
      return emit({ event: "links", count: links.size, dials });
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

/** Sends the numbers up to `upTo`, one after another; goes on where its own history ends. */
async function stream(to: string, upTo: number): Promise<void> {
  const own = (await peer.history(to, ALL)).filter(({ from }) => from.id === peer.id);
  for (let n = Number(own.at(-1)?.text ?? 0) + 1; n <= upTo; n++) {
    await peer.send(to, String(n));
    emit({ event: "sent", text: String(n) });
  }
}

function emit(event: TalkerEvent): void {
  process.stdout.write(`${JSON.stringify(event)}\n`);
}

/** The same transport, with links that can be cut as if the network had done it. */
function cuttable(transport: Transport): Transport {
  return {
    addresses: (...where) => transport.addresses(...where),
    listen: (options, accept) => transport.listen(options, (link) => accept(new CuttableLink(link))),
    async dial(address, options) {
      dials++;
      return new CuttableLink(await transport.dial(address, options));
    },
  };
}

class CuttableLink implements Link {
  readonly #inner: Link;
  #handler: LinkHandler | undefined;

  constructor(inner: Link) {
    this.#inner = inner;
    links.add(this);
  }

  get peer() {
    return this.#inner.peer;
  }

  get remote() {
    return this.#inner.remote;
  }

  get dialled() {
    return this.#inner.dialled;
  }

  open(handler: LinkHandler): void {
    this.#handler = handler;
    this.#inner.open({
      data: (chunk) => handler.data(chunk),
      drain: () => handler.drain(),
      closed: () => {
        links.delete(this);
        handler.closed();
      },
    });
  }

  write(bytes: Uint8Array): number {
    return this.#inner.write(bytes);
  }

  end(): void {
    links.delete(this);
    this.#inner.end();
  }

  terminate(): void {
    links.delete(this);
    this.#inner.terminate();
  }

  cut(): void {
    this.terminate();
    this.#handler?.closed();
  }
}
