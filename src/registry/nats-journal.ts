/**
 * NATS journal: a stream of NATS JetStream that holds the last message of each subject, laid out as a key-value bucket, so
 * that `nats kv` reads it. Works with servers from 2.9 on: nothing here expires by itself, and nothing is asked of a follower.
 */
import { JetStreamApiError, jetstream, jetstreamManager } from "@nats-io/jetstream";
import type { ConsumerMessages, JetStreamClient, JetStreamManager, JsMsg, StreamInfo } from "@nats-io/jetstream";
import { describeError, isWarrenError, WarrenError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { sleep, type Clock, type Timer } from "../base/world.ts";
import type { Entry, Journal, JournalWatcher, Written } from "./journal.ts";

/** For one request. */
const REQUEST_MS = 2_000;
/** For a write or a look, with all its attempts. */
const INSIST_MS = 5_000;
const RETRY_MS = 250;
/** A consumer that is silent for two of them is gone. */
const HEARTBEAT_MS = 1_000;
/** From a write's answer to its being told. */
const STALL_MS = 1_500;
/** A stream that is shorter than before for so long has lost its end. */
const BEHIND_MS = 5_000;
/** For a cluster to elect who leads it. */
const OPEN_MS = 20_000;
/** "wrong last sequence", as servers number it. */
const CONFLICTS = [10_071, 10_164];
/** Of one value: a record, and what is said beside it. */
const MAX_VALUE_BYTES = 131_072;

export type NatsClient = Parameters<typeof jetstream>[0];

export interface NatsJournalOptions {
  client: NatsClient;
  /** Its name as a key-value bucket. */
  bucket: string;
  replicas: number;
  clock: Clock;
  log: Log;
  /** Do not make it where it is not. */
  mustExist?: boolean | undefined;
}

export class NatsJournal implements Journal {
  readonly #stream: string;
  readonly #prefix: string;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #js: JetStreamClient;
  readonly #jsm: JetStreamManager;
  #watcher: JournalWatcher | undefined;
  #messages: ConsumerMessages | undefined; // while they come
  #last: { seq: number; time: number } | undefined; // that was told
  #behindSince: number | undefined; // steady; while it is shorter than what was told
  #createdAt: string | undefined; // of the stream that it was in
  #stall: Timer | undefined; // while something is expected to be told
  readonly #abort = new AbortController();
  #running: Promise<void> | undefined;

  private constructor({ client, bucket, clock, log }: NatsJournalOptions, jsm: JetStreamManager) {
    this.#stream = `KV_${bucket}`;
    this.#prefix = `$KV.${bucket}.`;
    this.#clock = clock;
    this.#log = log;
    this.#js = jetstream(client, { timeout: REQUEST_MS });
    this.#jsm = jsm;
  }

  /**
   * Makes the stream if there is none. A cluster that is just being started is given time.
   *
   * @throws {WarrenError} `STORE_UNREACHABLE`; `USAGE` when it had to exist and does not
   */
  static async open(options: NatsJournalOptions): Promise<NatsJournal> {
    const { client, bucket, replicas, clock, mustExist = false } = options;
    const deadline = clock.steady() + OPEN_MS;
    for (;;) {
      try {
        const jsm = await jetstreamManager(client, { timeout: REQUEST_MS, checkAPI: false });
        const journal = new NatsJournal(options, jsm);
        await journal.#make(replicas, mustExist);
        return journal;
      } catch (error) {
        if (isWarrenError(error)) throw error;
        if (clock.steady() >= deadline) {
          throw unreachable(`the shared store cannot keep ${bucket} (${describeError(error)})`, error);
        }
        await sleep(clock, RETRY_MS);
      }
    }
  }

  async put(key: string, value: string, revision: number): Promise<Written> {
    const attempt = async (): Promise<Written> => {
      try {
        const written = await this.#publish(key, value, revision);
        this.#expect(written);
        return { kind: "written", revision: written };
      } catch (error) {
        if (isConflict(error)) return await this.#settle(key, value, revision);
        throw error; // it may have been written all the same: then the next attempt is a conflict, and finds it
      }
    };
    return await this.#insist(attempt, `the shared store does not take ${key}`);
  }

  async get(key: string): Promise<Entry | undefined> {
    return await this.#insist(() => this.#look(key), `the shared store does not give ${key}`);
  }

  async forget(key: string, revision: number): Promise<void> {
    await this.#jsm.streams.purge(this.#stream, { filter: this.#prefix + key, seq: revision + 1 });
  }

  follow(watcher: JournalWatcher): void {
    this.#watcher = watcher;
    this.#running = this.#run(watcher);
  }

  /** The connection broke: what comes over the next one is compared with what is known. */
  interrupt(): void {
    void this.#messages?.close();
    this.#watcher?.away();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#abort.abort();
    this.#stall?.[Symbol.dispose]();
    void this.#messages?.close();
    await this.#running;
  }

  async #make(replicas: number, mustExist: boolean): Promise<void> {
    const info = await this.#info();
    if (info) {
      const { num_replicas: kept } = info.config;
      if (kept < replicas) this.#log.warn(`${this.#stream} has ${kept} replicas; this cluster could keep ${replicas}`);
      return;
    }
    if (mustExist)
      throw new WarrenError("USAGE", `there is no ${this.#stream} in the shared store: check --store-name`);
    const config = {
      name: this.#stream,
      subjects: [`${this.#prefix}>`],
      max_msgs_per_subject: 1,
      max_msg_size: MAX_VALUE_BYTES,
      discard: "new",
      storage: "file",
      num_replicas: replicas,
      allow_rollup_hdrs: true,
      deny_delete: true,
    } satisfies Parameters<JetStreamManager["streams"]["add"]>[0];
    await this.#jsm.streams.add(config).catch(async (error: unknown) => {
      if (!(await this.#info())) throw error; // else another process was faster
    });
    const made = await this.#info();
    if (made?.cluster && !made.cluster.leader) throw new Error("nobody leads its stream yet");
  }

  async #info(): Promise<StreamInfo | undefined> {
    try {
      return await this.#jsm.streams.info(this.#stream);
    } catch (error) {
      if (error instanceof JetStreamApiError && error.status === 404) return undefined;
      throw error;
    }
  }

  async #publish(key: string, value: string, revision: number): Promise<number> {
    const expect = { lastSubjectSequence: revision };
    return (await this.#js.publish(this.#prefix + key, value, { expect, timeout: REQUEST_MS })).seq;
  }

  /** What was written must be told soon: a consumer can end with its server, and nobody says so. */
  #expect(revision: number): void {
    if (this.#stall || !this.#messages) return;
    this.#stall = this.#clock.after(STALL_MS, () => {
      this.#stall = undefined;
      if ((this.#last?.seq ?? 0) < revision) this.interrupt();
    });
  }

  /** Somebody wrote in between; that may have been us, if an answer was lost. */
  async #settle(key: string, value: string, revision: number): Promise<Written> {
    const entry = await this.#look(key);
    const isOurs = entry !== undefined && entry.value === value && entry.revision > revision;
    return isOurs ? { kind: "written", revision: entry.revision } : { kind: "conflict" };
  }

  async #look(key: string): Promise<Entry | undefined> {
    const message = await this.#jsm.streams.getMessage(this.#stream, { last_by_subj: this.#prefix + key });
    if (!message) return undefined;
    return { key, value: message.string(), revision: message.seq, time: message.time.getTime() };
  }

  /** Again and again for a while: servers elect, and connections move. */
  async #insist<Result>(attempt: () => Promise<Result>, complaint: string): Promise<Result> {
    const deadline = this.#clock.steady() + INSIST_MS;
    for (;;) {
      try {
        return await attempt();
      } catch (error) {
        if (this.#clock.steady() >= deadline || this.#abort.signal.aborted) {
          throw unreachable(`${complaint} (${describeError(error)})`, error);
        }
        await sleep(this.#clock, RETRY_MS, this.#abort.signal).catch(() => {});
      }
    }
  }

  async #run(watcher: JournalWatcher): Promise<void> {
    while (!this.#abort.signal.aborted) {
      try {
        await this.#tell(watcher);
      } catch (error) {
        this.#log.debug(`${this.#stream} is not told: ${describeError(error)}`);
      }
      this.#messages = undefined;
      if (this.#abort.signal.aborted) return;
      watcher.away();
      await sleep(this.#clock, RETRY_MS, this.#abort.signal).catch(() => {});
    }
  }

  /** Until the connection breaks. */
  async #tell(watcher: JournalWatcher): Promise<void> {
    const info = await this.#jsm.streams.info(this.#stream);
    if (!(await this.#continues(info))) {
      this.#last = this.#behindSince = undefined;
      watcher.began();
    }
    this.#createdAt = info.created;
    const from = (this.#last?.seq ?? 0) + 1;
    const consumer = await this.#js.consumers.get(this.#stream, {
      deliver_policy: "by_start_sequence",
      opt_start_seq: from,
    });
    const messages = await consumer.consume({ max_messages: 1_000, idle_heartbeat: HEARTBEAT_MS });
    this.#messages = messages;
    void this.#listenTo(messages);
    let target = info.state.last_seq;
    let isWhole = from > 1;
    let isBehind = from <= target;
    if (!isBehind) this.#hand(() => watcher.caughtUp(), this.#stream);
    for await (const message of messages) {
      const entry = this.#toEntry(message);
      this.#hand(() => watcher.entry(entry), entry.key);
      if (!isBehind || message.seq < target) continue;
      if (!isWhole) {
        // What was replaced before it could be told stands behind the end of that time: another such way, and nothing is missing.
        isWhole = true;
        target = (await this.#jsm.streams.info(this.#stream)).state.last_seq;
        if (message.seq < target) continue;
      }
      isBehind = false;
      this.#hand(() => watcher.caughtUp(), this.#stream);
    }
  }

  /** The library begins anew by itself when nothing is heard, but not with every server that is lost. */
  async #listenTo(messages: ConsumerMessages): Promise<void> {
    for await (const { type } of messages.status()) {
      if (type === "heartbeats_missed" && messages === this.#messages) this.interrupt();
    }
  }

  /** What cannot be taken must not keep the rest from being told. */
  #hand(tell: () => void, what: string): void {
    try {
      tell();
    } catch (error) {
      this.#log.error(`${what} in the shared store cannot be taken: ${describeError(error)}`);
    }
  }

  /** Whether what was told until now is still a beginning of what there is. */
  async #continues({ created, state }: StreamInfo): Promise<boolean> {
    const last = this.#last;
    if (!last || created !== this.#createdAt) return false;
    if (state.last_seq < last.seq) {
      // A server that was just elected may not have come as far as what it will give.
      this.#behindSince ??= this.#clock.steady();
      if (this.#clock.steady() - this.#behindSince < BEHIND_MS) throw new Error("it is behind what was told");
      return false;
    }
    this.#behindSince = undefined;
    const message = await this.#jsm.streams.getMessage(this.#stream, { seq: last.seq }).catch((error: unknown) => {
      if (error instanceof JetStreamApiError) return null; // replaced by now
      throw error;
    });
    return message !== null && message.time.getTime() === last.time;
  }

  #toEntry(message: JsMsg): Entry {
    const time = message.time.getTime();
    this.#last = { seq: message.seq, time };
    const key = message.subject.slice(this.#prefix.length);
    return { key, value: message.string(), revision: message.seq, time };
  }
}

function isConflict(error: unknown): boolean {
  return error instanceof JetStreamApiError && CONFLICTS.includes(error.code);
}

function unreachable(text: string, cause: unknown): WarrenError {
  return new WarrenError("STORE_UNREACHABLE", text, { cause });
}
