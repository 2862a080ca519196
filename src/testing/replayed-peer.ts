/** Replayed peer: a bot's peer on which chance, effects, questions and news come out as they were recorded. */
import type { PeerInfo } from "../base/ids.ts";
import { standIn } from "../base/stand-in.ts";
import type { HostPeer } from "../bot/host.ts";
import type { Fetch } from "../bot/network.ts";
import { requestOf } from "../bot/recorded-fetch.ts";
import { replayedCalls } from "../bot/recorded-calls.ts";
import { questionOf } from "../bot/recorded-peer.ts";
import type { RecordedLine } from "../bot/recording.ts";
import type { DirectoryQuery } from "../peer/directory.ts";

type News = "peer:online" | "peer:offline" | "registered";

/** What one process of the bot was given, in order. When it runs out, the peer is asked. */
export class Script {
  readonly #numbers: number[] = [];
  readonly #tokens: string[] = [];
  readonly #results = new Map<string, unknown[]>(); // by what they are of
  readonly #fetched = new Map<string, (RecordedLine & { t: "fetched" })[]>(); // by what was asked
  readonly #listeners = new Map<string, Set<(about?: PeerInfo) => unknown>>(); // by the news that they are for

  constructor(lines: readonly RecordedLine[]) {
    for (const line of lines) {
      if (line.t === "number") this.#numbers.push(line.value);
      if (line.t === "token") this.#tokens.push(line.value);
      if (line.t === "fetched") this.#fetched.set(line.of, [...(this.#fetched.get(line.of) ?? []), line]);
      if (line.t === "result") this.#results.set(line.of, [...(this.#results.get(line.of) ?? []), line.value]);
    }
  }

  tell(event: News, about: PeerInfo | undefined): void {
    for (const listener of this.#listeners.get(event) ?? []) listener(about);
  }

  /** What the network answered. `conceal` covers the secrets in an address, as they are covered in the recording. */
  fetch(conceal: (text: string) => string): Fetch {
    // oxlint-disable-next-line require-await -- its errors are rejections
    return async (input, init) => {
      const of = conceal(requestOf(input, init));
      const answer = this.#fetched.get(of)?.shift();
      if (!answer) throw new TypeError(`${of} was not asked for in the recording`);
      const { status, type, body = "", error } = answer;
      if (status === undefined) throw new TypeError(error);
      const hasBody = ![204, 205, 304].includes(status);
      return new Response(hasBody ? body : null, {
        status,
        headers: type === undefined ? {} : { "content-type": type },
      });
    };
  }

  /** The peer as the bot had it: `isRegistered` at its start. */
  around(peer: HostPeer, isRegistered: boolean): HostPeer {
    const { world, directory } = peer;
    return standIn(peer, {
      world: {
        clock: world.clock,
        random: () => this.#numbers.shift() ?? world.random(),
        token: (length?: number) => this.#tokens.shift() ?? world.token(length),
      },
      directory: directory && standIn(directory, { isConnected: isRegistered }),
      on: (event: News | "message", handler: (given?: unknown) => unknown) =>
        event === "message" ? peer.on(event, handler) : this.#listen(event, handler),
      calls: replayedCalls(peer.calls, (of) => this.#take(of)),
      find: async (query: DirectoryQuery) => this.#recall(questionOf(query), () => peer.find(query)),
      effect: <Result>(name: string, run: () => Promise<Result> | Result) =>
        peer.effect(name, () => this.#recall(`effect ${name}`, run)),
    });
  }

  #listen(event: News, listener: (about?: PeerInfo) => unknown): () => void {
    const listeners = this.#listeners.get(event) ?? new Set();
    this.#listeners.set(event, listeners.add(listener));
    return () => void listeners.delete(listener);
  }

  #recall(what: string, otherwise: () => unknown): unknown {
    const taken = this.#take(what);
    return taken ? taken.value : otherwise();
  }

  #take(what: string): { value: unknown } | undefined {
    const results = this.#results.get(what) ?? [];
    return results.length > 0 ? { value: results.shift() } : undefined;
  }
}
