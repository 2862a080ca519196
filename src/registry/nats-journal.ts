/**
 * NATS journal: a stream of NATS JetStream that holds the last message of each subject, laid out as a key-value bucket, so
 * that `nats kv` reads it. Works with servers from 2.9 on: nothing here expires by itself, and nothing is asked of a follower.
 */
import { JetStreamApiError, jetstream, jetstreamManager } from "@nats-io/jetstream";
import type { ConsumerMessages, JetStreamClient, JetStreamManager, JsMsg, StreamInfo } from "@nats-io/jetstream";
import { describeError, WarrenError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { sleep, type Clock, type Timer } from "../base/world.ts";
import type { Entry, Journal, JournalWatcher, Written } from "./journal.ts";

/** For one request. */
const REQUEST_MS = 2_000;
/** For a write, with all its attempts. */
const PUT_MS = 5_000;
const RETRY_MS = 250;
/** From a write's answer to its being told. */
const STALL_MS = 1_500;
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
   * @throws {WarrenError} `STORE_UNREACHABLE`
   */
  static async open(options: NatsJournalOptions): Promise<NatsJournal> {
    const { client, bucket, replicas, clock } = options;
    const deadline = clock.steady() + OPEN_MS;
    for (;;) {
      try {
        const jsm = await jetstreamManager(client, { timeout: REQUEST_MS, checkAPI: false });
        const journal = new NatsJournal(options, jsm);
        await journal.#make(replicas);
        return journal;
      } catch (error) {
        if (clock.steady() >= deadline) {
          throw unreachable(`the shared store cannot keep ${bucket} (${describeError(error)})`, error);
        }
        await sleep(clock, RETRY_MS);
      }
    }
  }

  async put(key: string, value: string, revision: number): Promise<Written> {
    const deadline = this.#clock.steady() + PUT_MS;
    for (;;) {
      try {
        const written = await this.#publish(key, value, revision);
        this.#expect(written);
        return { kind: "written", revision: written };
      } catch (error) {
        if (isConflict(error)) return await this.#settle(key, value, revision);
        // It may have been written all the same: then the next attempt is a conflict, and finds it.
        if (this.#clock.steady() >= deadline || this.#abort.signal.aborted) {
          throw unreachable(`the shared store does not take ${key} (${describeError(error)})`, error);
        }
        await sleep(this.#clock, RETRY_MS, this.#abort.signal).catch(() => {});
      }
    }
  }

  async get(key: string): Promise<Entry | undefined> {
    try {
      const message = await this.#jsm.streams.getMessage(this.#stream, { last_by_subj: this.#prefix + key });
      return message
        ? { key, value: message.string(), revision: message.seq, time: message.time.getTime() }
        : undefined;
    } catch (error) {
      throw unreachable(`the shared store does not give ${key} (${describeError(error)})`, error);
    }
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

  async #make(replicas: number): Promise<void> {
    const info = await this.#info();
    if (info) {
      const { num_replicas: kept } = info.config;
      if (kept < replicas) this.#log.warn(`${this.#stream} has ${kept} replicas; this cluster could keep ${replicas}`);
      return;
    }
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
    const entry = await this.get(key);
    const isOurs = entry !== undefined && entry.value === value && entry.revision > revision;
    return isOurs ? { kind: "written", revision: entry.revision } : { kind: "conflict" };
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
      this.#last = undefined;
      watcher.began();
    }
    this.#createdAt = info.created;
    const target = info.state.last_seq;
    const from = (this.#last?.seq ?? 0) + 1;
    const consumer = await this.#js.consumers.get(this.#stream, {
      deliver_policy: "by_start_sequence",
      opt_start_seq: from,
    });
    const messages = await consumer.consume({ max_messages: 1_000, idle_heartbeat: REQUEST_MS });
    this.#messages = messages;
    let isBehind = from <= target;
    if (!isBehind) watcher.caughtUp();
    for await (const message of messages) {
      watcher.entry(this.#toEntry(message));
      if (isBehind && message.seq >= target) {
        isBehind = false;
        watcher.caughtUp();
      }
    }
  }

  /** Whether what was told until now is still a beginning of what there is. */
  async #continues({ created, state }: StreamInfo): Promise<boolean> {
    const last = this.#last;
    if (!last || created !== this.#createdAt || state.last_seq < last.seq) return false;
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
