import { connect } from "node:net";
import { expect, test } from "bun:test";
import { createIdentity, type Identity } from "../../src/identity/identity.ts";
import { DEFAULT_LIMITS } from "../../src/registry/limits.ts";
import { makeRecord, openRegistry, RawSession, socketWorld } from "./setting.ts";

const ann = await createIdentity();
const dice = await createIdentity();
const card = { about: "rolls", commands: [{ name: "roll", about: "roll dice", args: { type: "object" } }] };
const diceRecord = await makeRecord(dice, { name: "dice", kind: "bot", card });

interface Event {
  name: string;
  id: string | undefined;
  data: { name?: string };
}

/** An event stream, read as the standard says. */
class Reader implements AsyncDisposable {
  readonly response: Response;
  readonly comments: string[] = [];
  retry: string | undefined;
  #text = "";
  readonly #chunks: AsyncGenerator<string, undefined>;

  static async open(url: string, query = "", headers: Record<string, string> = {}): Promise<Reader> {
    return new Reader(await fetch(`${url}/v1/events${query}`, { headers }));
  }

  constructor(response: Response) {
    this.response = response;
    this.#chunks = textOf(response);
  }

  /** The next event, or undefined at the end. */
  async next(): Promise<Event | undefined> {
    for (;;) {
      const block = await this.block();
      if (block === undefined) return undefined;
      const fields = Object.fromEntries(
        block.split("\n").map((line) => /^([a-z]*): ?(.*)$/.exec(line)?.slice(1) ?? []),
      );
      this.retry = fields.retry ?? this.retry;
      if (fields.data !== undefined) return { name: fields.event, id: fields.id, data: JSON.parse(fields.data) };
    }
  }

  async block(): Promise<string | undefined> {
    while (!this.#text.includes("\n\n")) {
      const { done, value } = await this.#chunks.next();
      if (done) return undefined;
      this.#text += value;
    }
    const end = this.#text.indexOf("\n\n");
    const block = this.#text.slice(0, end);
    this.#text = this.#text.slice(end + 2);
    return block;
  }

  async names(count: number): Promise<string[]> {
    const names: string[] = [];
    for (let n = 0; n < count; n++) {
      const event = await this.next();
      names.push(event === undefined ? "end" : `${event.name} ${event.data.name ?? ""}`.trim());
    }
    return names;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.response.body?.cancel().catch(() => {});
    await this.#chunks.return(undefined);
  }
}

async function* textOf({ body }: Response): AsyncGenerator<string, undefined> {
  const decoder = new TextDecoder();
  for await (const chunk of body ?? []) yield decoder.decode(chunk, { stream: true });
}

async function online(url: string, who: Identity, record: string): Promise<RawSession> {
  const session = new RawSession(url);
  expect(await session.logIn(who, { record })).toMatchObject({ t: "welcome" });
  return session;
}

test("who asks for events is told of everybody, then of who comes and goes", async () => {
  const world = socketWorld();
  await using registry = await openRegistry({ world });
  using _ = await online(registry.url, ann, await makeRecord(ann, { name: "ann" }));
  await using reader = await Reader.open(registry.url);
  expect(reader.response.headers.get("content-type")).toBe("text/event-stream");
  expect(await reader.names(3)).toEqual(["snapshot", "peer ann", "synced"]);
  const bot = await online(registry.url, dice, diceRecord);
  expect(await reader.next()).toMatchObject({
    name: "peer",
    id: expect.stringMatching(/^\w+\.\d+$/),
    data: { id: dice.id, name: "dice", kind: "bot", online: true, card, record: diceRecord, grant: expect.any(String) },
  });
  bot[Symbol.dispose]();
  using other = new RawSession(registry.url); // a round trip after the break: the registry has noticed it
  await other.challenge();
  await world.clock.advance(11_000);
  expect(await reader.next()).toMatchObject({ name: "gone", data: { id: dice.id, name: "dice" } });
});

test("a reader that comes back with the last id that it saw is told what it missed, and nothing else", async () => {
  await using registry = await openRegistry();
  using person = await online(registry.url, ann, await makeRecord(ann, { name: "ann" }));
  const first = await Reader.open(person.url);
  await first.names(2);
  const id = (await first.next())?.id ?? "";
  await first[Symbol.asyncDispose]();
  using _ = await online(registry.url, dice, diceRecord);
  await using again = await Reader.open(registry.url, "", { "last-event-id": id });
  expect(await again.names(2)).toEqual(["peer dice", "synced"]);
  await using asked = await Reader.open(registry.url, `?after=${id}`);
  expect(await asked.names(2)).toEqual(["peer dice", "synced"]);
  await using strange = await Reader.open(registry.url, "?after=elsewhere.1");
  const [snapshot] = [await strange.next()];
  expect(snapshot).toMatchObject({ name: "snapshot", id: "" }); // one that breaks off in a snapshot begins anew
});

test("a filter leaves out who does not fit, and says so when somebody ceases to", async () => {
  await using registry = await openRegistry();
  using _ = await online(registry.url, ann, await makeRecord(ann, { name: "ann" }));
  using bot = await online(registry.url, dice, diceRecord);
  await using reader = await Reader.open(registry.url, "?command=roll");
  expect(await reader.names(3)).toEqual(["snapshot", "peer dice", "synced"]);
  bot.send({ t: "record", record: await makeRecord(dice, { name: "dice", kind: "bot", seq: 2 }) });
  expect(await reader.names(1)).toEqual(["gone dice"]);
});

test("a quiet stream says every 15 s that it is there", async () => {
  const world = socketWorld();
  await using registry = await openRegistry({ world });
  await using reader = await Reader.open(registry.url);
  await reader.names(2);
  await world.clock.advance(15_000);
  expect(await reader.block()).toBe(": still here");
});

test("a reader that takes nothing keeps nobody up and nothing in memory, and is ended after a minute", async () => {
  const world = socketWorld();
  await using registry = await openRegistry({
    world,
    limits: { maxEventStreams: 1, framesPerMinute: 100_000, requestsPerMinute: 100_000 },
  });
  const lazy = connect(registry.port, "127.0.0.1");
  lazy.write("GET /v1/events HTTP/1.1\r\nHost: x\r\n\r\n");
  await new Promise((resolve) => lazy.once("data", resolve));
  lazy.pause();
  using bot = await online(registry.url, dice, diceRecord);
  const commands = Array.from({ length: 40 }, (_, n) => ({ name: `c${n}`, about: "x".repeat(300), args: {} }));
  for (let seq = 2; seq < 250; seq++) {
    // more than all buffers on the way can hold
    bot.send({ t: "record", record: await makeRecord(dice, { name: "dice", seq, card: { about: "", commands } }) });
    expect(await bot.next()).toMatchObject({ t: "recorded", seq });
  }
  for (let beats = 0; beats < 6; beats++) await world.clock.advance(15_000);
  await using reader = await Reader.open(registry.url);
  expect(reader.response.status).toBe(200);
  lazy.destroy();
}, 20_000);

test("there are only so many streams, for one address and for all; what ends makes room", async () => {
  const limits = { maxEventStreams: 3, maxEventStreamsPerAddress: 2 };
  await using registry = await openRegistry({ limits });
  const first = await Reader.open(registry.url);
  await using second = await Reader.open(registry.url);
  expect(second.response.status).toBe(200);
  const third = await Reader.open(registry.url);
  expect(third.response.status).toBe(429);
  expect(Number(third.response.headers.get("retry-after"))).toBeGreaterThan(0);
  await first[Symbol.asyncDispose]();
  let status = 429;
  while (status === 429) {
    await using again = await Reader.open(registry.url); // until the server has noticed
    status = again.response.status;
  }
  expect(status).toBe(200);
  expect(DEFAULT_LIMITS.maxEventStreamsPerAddress).toBeLessThan(DEFAULT_LIMITS.maxEventStreams);
});

test("asking with HEAD opens no stream, and a filter that is not understood is refused", async () => {
  await using registry = await openRegistry({ limits: { maxEventStreams: 1 } });
  for (let n = 0; n < 3; n++) {
    const head = await fetch(`${registry.url}/v1/events`, { method: "HEAD" });
    expect([head.status, head.headers.get("content-type")]).toEqual([200, "text/event-stream"]);
  }
  await using reader = await Reader.open(registry.url);
  expect(reader.response.status).toBe(200);
  expect((await fetch(`${registry.url}/v1/events?online=true`)).status).toBe(400);
});
