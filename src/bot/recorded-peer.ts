/** Recorded peer: a bot's peer, of which everything that reaches the bot, and everything that it says, is written down. */
import type { PeerInfo } from "../base/ids.ts";
import { standIn } from "../base/stand-in.ts";
import type { DirectoryQuery } from "../peer/directory.ts";
import type { IncomingMessage, ReplyText, SendOptions, Sent } from "../peer/message.ts";
import { overhearPieces } from "../peer/pieces.ts";
import type { BotConfig } from "./config.ts";
import type { HostPeer } from "./host.ts";
import { recordedCalls } from "./recorded-calls.ts";
import { type Recorded, RECORDING_VERSION } from "./recording.ts";

/** Effects of dialogs and jobs. They change what the bot itself keeps, so they happen again when it is replayed. */
const INNER_EFFECT = /^(?:\.dialog|job:|job-cancel:)/;

export interface RecordingOptions {
  /** The plugin's. */
  readonly name: string;
  readonly config: Pick<BotConfig, "values">;
  /** Whether what is stored already must be written down, too. */
  readonly isNew: boolean;
  readonly write: (recorded: Recorded) => void;
}

/** Begins a recording of what a plugin does on `peer`: it is to be attached to the result. */
export function recordedPeer(peer: HostPeer, { name, config, isNew, write }: RecordingOptions): HostPeer {
  const seen = new Set<string>(); // tables whose content was written down
  const said = (sent: Sent, text: string, options: SendOptions): Sent => {
    write({ t: "out", id: sent.id, to: infoOf(sent.to), text, ...placeOf(options) });
    return sent;
  };
  const heard = (message: IncomingMessage): IncomingMessage => {
    const { id, from, text, room } = message;
    write({ t: "in", id, from, text, ...placeOf(message) });
    const answered = { re: id, ...(room !== undefined && { room }) };
    return standIn(message, {
      reply: async (answer: ReplyText, options: Pick<SendOptions, "data"> = {}) => {
        let whole = typeof answer === "string" ? answer : "";
        const overheard = typeof answer === "string" ? answer : overhearPieces(answer, (piece) => (whole += piece));
        return said(await message.reply(overheard, options), whole, { ...answered, ...options });
      },
    });
  };
  const keep = (table: string): void => {
    const isOurs = table.startsWith(`${name}/`) || table === `.jobs/${name}`; // no dialog: half of one is of no use
    if (!isNew || !isOurs || seen.has(table)) return;
    seen.add(table);
    for (const [key, value] of peer.table(table).entries()) write({ t: "stored", table, key, value });
  };
  const values = JSON.parse(JSON.stringify(config.values)) as Record<string, unknown>; // as it is shown: without secrets
  const registered = peer.directory?.isConnected === true;
  write({
    t: "start",
    version: RECORDING_VERSION,
    bot: infoOf(peer.info),
    config: values,
    registered,
  });
  return standIn(peer, {
    world: {
      clock: peer.world.clock,
      random: () => noted(peer.world.random(), (value) => write({ t: "number", value })),
      token: (length?: number) => noted(peer.world.token(length), (value) => write({ t: "token", value })),
    },
    on(event: "message" | "registered", handler: (given?: unknown) => unknown) {
      if (event === "message") return peer.on(event, (message) => handler(heard(message)));
      return peer.on(event, (...given: unknown[]) => {
        const [about] = given as [PeerInfo?];
        write({ t: "told", event, ...(about && { peer: infoOf(about) }) });
        return handler(about);
      });
    },
    send: async (to: string, text: string, options: SendOptions = {}) =>
      said(await peer.send(to, text, options), text, options),
    calls: recordedCalls(peer.calls, write),
    find: async (query: DirectoryQuery) =>
      noted(await peer.find(query), (value) => write({ t: "result", of: questionOf(query), value })),
    effect: <Result>(effect: string, run: () => Promise<Result> | Result) =>
      peer.effect(effect, async () =>
        noted(await run(), (value) => {
          if (!INNER_EFFECT.test(effect)) write({ t: "result", of: `effect ${effect}`, value });
        }),
      ),
    table<Value>(table: string) {
      keep(table);
      return peer.table<Value>(table);
    },
  });
}

/** How a question to the registry is known in a recording. */
export function questionOf(query: DirectoryQuery): string {
  return `find ${JSON.stringify(query)}`;
}

function placeOf({ room, re, data }: SendOptions): Pick<Recorded & { t: "in" }, "room" | "re" | "data"> {
  return {
    ...(room !== undefined && { room }),
    ...(re !== undefined && { re }),
    ...(data !== undefined && { data }),
  };
}

function infoOf({ id, name, kind }: PeerInfo): PeerInfo {
  return { id, name, kind };
}

function noted<Value>(value: Value, note: (value: Value) => void): Value {
  note(value);
  return value;
}
