/**
 * Event streams: the roster's changes as server-sent events, for browsers and `curl -N`. Each is a `Subscription`, so nothing
 * waits for a slow reader but its place; one that takes nothing at all for a minute is ended.
 */
import type { Timer } from "../base/world.ts";
import { ownerOf } from "../base/rate.ts";
import type { RegistryCore } from "./core.ts";
import type { PeerFrame, ServerFrame } from "./frames.ts";
import { fitsFilter, type Filter } from "./query.ts";
import { refusal, reply, type Reply } from "./reply.ts";
import type { Presence } from "./roster.ts";
import { Subscription } from "./subscription.ts";

const HEARTBEAT_MS = 15_000;
const MAX_STALLED_MS = 60_000;
/** Bytes that may wait here; the kernel has its own buffer. */
const ROOM_BYTES = 65_536;

export interface StreamQuery {
  filter: Filter;
  after: string | undefined;
  address: string;
  /** Whether the signed record and grant are told, too. */
  hasProof: boolean;
}

export class EventStreams {
  readonly #core: RegistryCore;
  readonly #streams = new Set<EventStream>();
  readonly #perOwner = new Map<string, number>();

  constructor(core: RegistryCore) {
    this.#core = core;
  }

  get size(): number {
    return this.#streams.size;
  }

  open(query: StreamQuery): Reply {
    const { maxEventStreams, maxEventStreamsPerAddress } = this.#core.limits;
    const owner = ownerOf(query.address);
    const own = this.#perOwner.get(owner) ?? 0;
    if (this.#streams.size >= maxEventStreams) return refusal(503, "RATE_LIMITED", "too many event streams", 30_000);
    if (own >= maxEventStreamsPerAddress) {
      return refusal(429, "RATE_LIMITED", "too many event streams from this address", 30_000);
    }
    this.#perOwner.set(owner, own + 1);
    const stream = new EventStream(this.#core, query, () => {
      this.#streams.delete(stream);
      const left = (this.#perOwner.get(owner) ?? 1) - 1;
      if (left > 0) this.#perOwner.set(owner, left);
      else this.#perOwner.delete(owner);
    });
    this.#streams.add(stream);
    return streamReply(stream.readable);
  }

  tellView(): void {
    for (const stream of this.#streams) stream.tellView();
  }

  /** Ends all of them in order; each is asked to come back at a moment of its own within `windowMs`. */
  end(windowMs: number): void {
    for (const stream of this.#streams) stream.end(Math.floor(this.#core.world.random() * windowMs));
  }
}

/** `x-accel-buffering` is for nginx, which would hold events back. */
export function streamReply(body: Reply["body"]): Reply {
  return reply("text/event-stream", body, { "x-accel-buffering": "no" });
}

class EventStream {
  readonly readable: ReadableStream<Uint8Array>;
  readonly #core: RegistryCore;
  readonly #query: StreamQuery;
  readonly #onEnd: () => void;
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  #subscription: Subscription | undefined;
  #heartbeat: Timer | undefined;
  #movedAt: number; // steady; when there was room last
  #hasEnded = false;

  constructor(core: RegistryCore, query: StreamQuery, onEnd: () => void) {
    this.#core = core;
    this.#query = query;
    this.#onEnd = onEnd;
    this.#movedAt = core.world.clock.steady();
    this.readable = new ReadableStream<Uint8Array>(
      {
        start: (controller) => void (this.#controller = controller),
        pull: () => this.#pull(),
        cancel: () => this.#close(),
      },
      { highWaterMark: ROOM_BYTES, size: (bytes) => bytes?.byteLength ?? 0 },
    );
    this.#beat();
  }

  tellView(): void {
    if (this.#subscription) this.#write(event("view", { stale: !this.#core.isCurrent }));
  }

  end(retryMs: number): void {
    this.#write(`retry: ${retryMs}\nevent: bye\ndata: {"after":${retryMs}}\n\n`);
    this.#finish();
  }

  #pull(): void {
    this.#movedAt = this.#core.world.clock.steady();
    if (this.#subscription) return this.#subscription.resume();
    const { roster, world, metrics } = this.#core;
    this.#subscription = new Subscription(roster, world.clock, this.#query.after, (frame, presence) => {
      const text = this.#encode(frame, presence);
      if (text !== "") metrics.told.add("stream");
      return this.#write(text);
    });
  }

  /** Returns whether there is room for more. */
  #write(text: string): boolean {
    if (this.#hasEnded || text === "") return !this.#hasEnded;
    this.#controller?.enqueue(Buffer.from(text));
    return (this.#controller?.desiredSize ?? 0) > 0;
  }

  #encode(frame: ServerFrame, presence: Presence | undefined): string {
    if (frame.t === "snapshot") return event("snapshot", {}, ""); // a cursor from before it stands for nothing any more
    if (frame.t === "synced") return this.#synced(frame.cursor);
    if (frame.t !== "peer" || !presence) return "";
    if (frame.online && fitsFilter(presence.listed, this.#query.filter)) {
      return peerEvent(frame, presence, this.#query.hasProof);
    }
    // Told to everybody: who does not fit now may have fitted before, and a reader that resumes is not asked what it knew.
    const { id, name } = presence.listed.body;
    return frame.cursor === undefined ? "" : event("gone", { id, name }, frame.cursor);
  }

  #synced(cursor: string): string {
    const { roster, isCurrent } = this.#core;
    return event("synced", { online: roster.size, ...(!isCurrent && { stale: true }) }, cursor);
  }

  #beat(): void {
    const { clock } = this.#core.world;
    this.#heartbeat = clock.after(HEARTBEAT_MS, () => {
      if ((this.#controller?.desiredSize ?? 0) > 0) this.#movedAt = clock.steady();
      if (clock.steady() - this.#movedAt >= MAX_STALLED_MS) return this.#finish();
      if ((this.#controller?.desiredSize ?? 0) > 0) this.#write(": still here\n\n");
      this.#beat();
    });
  }

  #finish(): void {
    if (!this.#hasEnded) this.#controller?.close();
    this.#close();
  }

  #close(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#heartbeat?.[Symbol.dispose]();
    this.#subscription?.[Symbol.dispose]();
    this.#onEnd();
  }
}

function peerEvent(frame: PeerFrame, { listed: { body, since } }: Presence, hasProof: boolean): string {
  const { age, record, grant, cursor } = frame;
  const { next: _, ...shown } = body;
  return event("peer", { ...shown, online: true, age, since, ...(hasProof && { record, grant }) }, cursor);
}

/** JSON has no line feeds outside of its escapes, so the data is one line. */
function event(name: string, data: object, id?: string): string {
  const position = id === undefined ? "" : `id: ${id}\n`;
  return `event: ${name}\n${position}data: ${JSON.stringify(data)}\n\n`;
}
