import { expect, test } from "bun:test";
import type { WarrenError } from "../../src/base/errors.ts";
import { Connection, FULL_BYTES } from "../../src/peer/connection.ts";
import { MAX_CONTROL_BURST } from "../../src/peer/control-budget.ts";
import type { Link, LinkHandler } from "../../src/peer/link.ts";
import { TURN_FRAMES } from "../../src/peer/turns.ts";
import { ManualClock } from "../../src/testing/manual-clock.ts";
import type { Frame } from "../../src/wire/frames.ts";
import { testId } from "./burrow.ts";

const HELLO = '{"t":"hello","v":1,"instance":"i","conn":"c","holds":null,"name":"bob","kind":"person","port":7}\n';
const PING = '{"t":"ping"}\n';

/** The far end in the test's hands: it takes as much as there is room for, and brings what it is told to. */
class FakeLink implements Link {
  readonly peer = testId("bob");
  readonly remote = { host: "bob", port: 7 };
  readonly dialled = true;
  room = Infinity;
  isPaused = false;
  taken: Buffer[] = [];
  state: "open" | "ended" | "terminated" = "open";
  handler: LinkHandler | undefined;

  open(handler: LinkHandler): void {
    this.handler = handler;
  }

  write(bytes: Uint8Array): number {
    const taken = Math.min(bytes.byteLength, this.room);
    this.room -= taken;
    if (taken > 0) this.taken.push(Buffer.from(bytes.subarray(0, taken)));
    return taken;
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
  }

  end(): void {
    this.state = "ended";
  }

  terminate(): void {
    this.state = "terminated";
  }

  bring(text: string | Uint8Array): void {
    this.handler?.data(Buffer.from(text));
  }

  drain(room = Infinity): void {
    this.room = room;
    this.handler?.drain();
  }

  get written(): string {
    return Buffer.concat(this.taken).toString();
  }
}

function open() {
  const link = new FakeLink();
  const clock = new ManualClock();
  const events: string[] = [];
  const behind: Connection[] = [];
  const connection: Connection = new Connection(link, "c", clock, {
    hello: (_, hello) => void events.push(`hello ${hello.name}`),
    frame: (_, frame) => void events.push(frame.t),
    behind: () => void behind.push(connection),
    drained: () => void events.push("drained"),
    closed: (_, error) => void events.push(error ? `closed ${error.code}` : "closed"),
  });
  const catchUp = (): void => {
    for (const one of behind.splice(0)) while (one.takeTurn());
  };
  return { link, clock, events, connection, behind, catchUp };
}

const bye = (link: FakeLink): string =>
  (JSON.parse(link.written.trim().split("\n").at(-1) ?? "") as { code: string }).code;
const notice = (length: number): Frame => ({ t: "notice", code: "x", message: "y".repeat(length) });

test("the frames of one turn are one write, in order", async () => {
  const { link, clock, connection } = open();
  for (let n = 1; n <= 3; n++) connection.send({ t: "got", k: n });
  expect(link.taken).toEqual([]);
  await clock.settle();
  expect(link.taken.map(String)).toEqual(['{"t":"got","k":1}\n{"t":"got","k":2}\n{"t":"got","k":3}\n']);
});

test("a link that takes a few bytes at a time is given the rest, whole and in order", async () => {
  const { link, clock, connection } = open();
  const first: Frame = { t: "notice", code: "x", message: "grüße 🐇".repeat(5) };
  link.room = 5;
  connection.send(first);
  await clock.settle();
  connection.send({ t: "ping" });
  await clock.settle();
  for (let n = 0; n < 40; n++) link.drain(5);
  expect(link.taken.every((bytes) => bytes.byteLength <= 5)).toBe(true);
  expect(link.written).toBe(`${JSON.stringify(first)}\n${PING}`);
});

test("frames come out whole however the stream is cut, the hello first and once", () => {
  const stream = HELLO + PING + '{"t":"pong"}\n';
  for (let cut = 0; cut <= stream.length; cut++) {
    const { link, events } = open();
    link.bring(stream.slice(0, cut));
    link.bring(stream.slice(cut));
    expect(events).toEqual(["hello bob", "ping", "pong"]);
  }
});

test.each([
  ["a first line of over 4 KiB, before it has an end", "x".repeat(4_097), "FRAME_TOO_LARGE"],
  ["a hello of over 4 KiB", HELLO.replace("}", `,"x":"${"x".repeat(4_096)}"}`), "FRAME_TOO_LARGE"],
  ["a frame before the hello", PING, "PROTOCOL_VIOLATION"],
  ["a message before the hello", '{"t":"msg","n":1,"id":"a","at":1,"text":"x"}\n', "PROTOCOL_VIOLATION"],
  ["another version", HELLO.replace('"v":1', '"v":2'), "FRAME_MALFORMED"],
  ["a hello with a wrong name", HELLO.replace('"bob"', '"Bob!"'), "FRAME_MALFORMED"],
  ["a hello without an instance", HELLO.replace('"instance":"i",', ""), "FRAME_MALFORMED"],
  ["a hello with a port from another world", HELLO.replace(":7}", ":65536}"), "FRAME_MALFORMED"],
  ["an empty line", "\n", "FRAME_MALFORMED"],
  ["no JSON", "GET / HTTP/1.1\r\n", "FRAME_MALFORMED"],
  ["a list", "[1]\n", "FRAME_MALFORMED"],
  ["a number", "1\n", "FRAME_MALFORMED"],
  ["an unknown kind instead of a hello", '{"t":"gossip"}\n', "PROTOCOL_VIOLATION"],
])("%s ends the connection, and nobody hears of it", (_, text, code) => {
  const { link, events } = open();
  link.bring(text);
  link.bring(HELLO);
  expect(events).toEqual([`closed ${code}`]);
  expect(bye(link)).toBe(code);
  expect(link.state).toBe("terminated");
});

test.each([
  ["a second hello", HELLO, "PROTOCOL_VIOLATION"],
  ["a line of over 256 KiB, before it has an end", "x".repeat(262_145), "FRAME_TOO_LARGE"],
  ["a kind that is no text", '{"t":1}\n', "FRAME_MALFORMED"],
  ["a wrong type", '{"t":"got","k":"1"}\n', "FRAME_MALFORMED"],
  ["a number that is none", '{"t":"got","k":1e400}\n', "FRAME_MALFORMED"],
  ["bytes that are no text", Uint8Array.of(0xff, 0xfe, 0x0a), "FRAME_MALFORMED"],
  ["100,000 open brackets", `${"[".repeat(100_000)}\n`, "FRAME_MALFORMED"],
])("%s after the hello ends the connection, and what follows is not looked at", (_, bytes, code) => {
  const { link, events, catchUp } = open();
  link.bring(
    Buffer.concat([
      Buffer.from(HELLO + PING),
      typeof bytes === "string" ? Buffer.from(bytes) : bytes,
      Buffer.from(PING),
    ]),
  );
  link.bring(PING);
  catchUp();
  expect(events.filter((event) => event !== "ping")).toEqual(["hello bob", `closed ${code}`]);
  expect(bye(link)).toBe(code);
});

test("100,000 brackets inside a frame that is right are no more than a field that nobody knows", () => {
  const { link, events, catchUp } = open();
  link.bring(HELLO);
  link.bring(`{"t":"ping","x":${"[".repeat(100_000)}${"]".repeat(100_000)}}\n${PING}`);
  catchUp();
  expect(events.slice(1)).toEqual(["ping", "ping"]);
});

test("kinds of frames that a later version adds are passed over, and counted", () => {
  const { link, events, catchUp } = open();
  link.bring(HELLO);
  for (const kind of ["gossip", "constructor", "__proto__"]) link.bring(`{"t":"${kind}","n":"?"}\n${PING}`);
  expect(events.slice(1)).toEqual(["ping", "ping", "ping"]);
  link.bring('{"t":"gossip"}\n'.repeat(MAX_CONTROL_BURST));
  catchUp();
  expect(events.at(-1)).toBe("closed RATE_LIMITED");
});

test("of what comes at once a hundred frames are looked at in each turn, and nothing more is read meanwhile", () => {
  const { link, events, connection, behind } = open();
  link.bring(HELLO);
  const count = 3.5 * TURN_FRAMES;
  link.bring(PING.repeat(count));
  expect([events.length, behind, link.isPaused]).toEqual([1, [connection], true]);
  link.bring(PING); // read before it was paused
  link.bring('{"t":"pong"}\n');
  for (let turn = 1; turn <= 3; turn++) {
    expect(connection.takeTurn()).toBe(true);
    expect(events).toHaveLength(1 + turn * TURN_FRAMES);
    expect(link.isPaused).toBe(true);
  }
  while (connection.takeTurn());
  expect(events.slice(1)).toEqual([...Array.from({ length: count + 1 }, () => "ping"), "pong"]);
  expect([behind.length, link.isPaused]).toEqual([1, false]);
  link.bring(PING); // what is little is looked at as it comes
  expect(events).toHaveLength(count + 4);
});

test("what came before a link was lost is looked at first", () => {
  const { link, events, connection, catchUp } = open();
  link.bring(HELLO);
  link.bring(PING.repeat(2_000));
  link.handler?.closed();
  expect([events.length, connection.isClosed]).toEqual([1, false]);
  catchUp();
  expect(events).toHaveLength(2_002);
  expect(events.at(-1)).toBe("closed CONNECTION_LOST");
});

test("what waits when a connection ends is forgotten", () => {
  const { link, events, connection, catchUp } = open();
  link.bring(HELLO);
  link.bring(PING.repeat(2_000));
  connection.drop();
  catchUp();
  expect(events).toEqual(["hello bob", "closed"]);
});

test("a bye instead of a hello is a refusal with a reason", () => {
  const { link, events } = open();
  link.bring('{"t":"bye","code":"BUSY","message":"come again"}\n');
  expect(events).toEqual(["closed PEER_REFUSED"]);
});

test("a handler that ends the connection is not given the frames behind", () => {
  const link = new FakeLink();
  const seen: string[] = [];
  const connection: Connection = new Connection(link, "c", new ManualClock(), {
    hello: () => {},
    frame: (_, frame) => {
      seen.push(frame.t);
      connection.drop();
    },
    behind: () => {},
    drained: () => {},
    closed: () => void seen.push("closed"),
  });
  link.bring(HELLO + PING + PING);
  expect(seen).toEqual(["ping", "closed"]);
});

test("above 256 KiB it is full, and says when there is room again", async () => {
  const { link, clock, events, connection } = open();
  link.room = 0;
  for (let n = 0; n < 600; n++) connection.send(notice(500));
  await clock.settle();
  expect(events).toEqual([]);
  link.drain(100);
  expect(connection.isFull).toBe(true);
  link.drain(FULL_BYTES / 2);
  expect(events).toEqual(["drained"]);
  expect(connection.isFull).toBe(false);
  link.drain();
  expect(events).toEqual(["drained"]);
});

test("it is held up for as long as the link has not taken all that was written", async () => {
  const { link, clock, connection } = open();
  link.room = 10;
  connection.send({ t: "ping" });
  expect(connection.isHeldUp).toBe(false);
  await clock.settle();
  expect(connection.isHeldUp).toBe(true);
  link.drain();
  expect(connection.isHeldUp).toBe(false);
});

test("a peer that reads nothing is given up at 4 MiB of answers", async () => {
  const { link, clock, events, connection } = open();
  link.room = 0;
  link.bring(HELLO);
  for (let n = 0; n < 9_000 && !connection.isClosed; n++) {
    connection.send(notice(500));
    await clock.settle();
  }
  expect(events).toEqual(["hello bob", "closed PEER_SILENT"]);
  expect(link.state).toBe("terminated");
});

test("an orderly end writes what is queued and the reason, and then closes", async () => {
  const { link, clock, events, connection } = open();
  link.room = 4;
  connection.send({ t: "ping" });
  connection.end("CLOSED", "good night");
  connection.send({ t: "pong" }); // too late
  link.bring(HELLO); // nothing is listened to any more
  await clock.settle();
  expect(events).toEqual([]);
  expect(link.state).toBe("open");
  link.drain();
  expect(link.written).toBe(`${PING}{"t":"bye","code":"CLOSED","message":"good night"}\n`);
  expect(link.state).toBe("ended");
  expect(events).toEqual(["closed"]);
});

test("an orderly end waits 10 s at most for a peer that does not read", async () => {
  const { link, clock, events, connection } = open();
  link.room = 0;
  connection.end("CLOSED", "good night");
  await clock.advance(9_999);
  expect(events).toEqual([]);
  await clock.advance(1);
  expect(events).toEqual(["closed"]);
});

test("a lost link is told once, and nothing is written to it any more", async () => {
  const { link, clock, events, connection } = open();
  link.handler?.closed();
  connection.send({ t: "ping" });
  connection.end("x", "");
  connection.fail({ code: "CLOSED", message: "" } as WarrenError);
  connection.drop();
  await clock.advance(20_000);
  expect(events).toEqual(["closed CONNECTION_LOST"]);
  expect(link.taken).toEqual([]);
});
