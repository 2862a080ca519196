/**
 * Whole conversations: a peer as it is, on a link whose other end says the bytes of the input. Lines that begin with "#" are
 * stage directions and are not said; `$epoch` and `$conn` in a line stand for what the peer has said last.
 */
import { join } from "node:path";
import { createLog } from "../../../src/base/log.ts";
import type { Link, LinkHandler, Transport } from "../../../src/peer/link.ts";
import { MAX_QUEUED_BYTES } from "../../../src/peer/connection.ts";
import { MAX_DRAFTS_IN_ALL } from "../../../src/peer/drafts.ts";
import { WarrenError } from "../../../src/base/errors.ts";
import type { PeerId } from "../../../src/base/ids.ts";
import { Peer } from "../../../src/peer/peer.ts";
import { MAX_STRANGER_INBOX } from "../../../src/peer/sessions.ts";
import { openStore } from "../../../src/store/store.ts";
import { createSimulatedWorld, type SimulatedWorld } from "../../../src/testing/world.ts";
import { decodeFrame, type Frame } from "../../../src/wire/frames.ts";
import { MAX_FRAME_BYTES } from "../../../src/wire/lines.ts";
import { testId } from "../../peer/burrow.ts";
import { Dice } from "../random.ts";
import { Broken, magnitude, mustHold, type Target } from "../target.ts";
import { FRAME_LINES, FRAME_TOKENS } from "./words.ts";

/** The codes of a `bye`, as docs/protocol.md explains them. */
const PAGE = await Bun.file(join(import.meta.dir, "../../../docs/protocol.md")).text();
const BYE_CODES = new Set([...PAGE.matchAll(/^\| `([A-Z_]+)` +\|/gm)].map(([, code]) => code));

const HELLO = FRAME_LINES[0] ?? "";
const OPENED = `${HELLO}{"t":"ready","have":null,"w":20}\n#turn\n{"t":"start","epoch":"e","low":1}\n`;
const msg = (n: number): string => `{"t":"msg","n":${n},"id":"m.${n}","at":1,"text":"hi"}\n`;
const ACK = '{"t":"ack","epoch":"$epoch","n":1,"w":20}\n';
const DONE = '{"t":"done","k":1,"epoch":"$epoch","ok":[[1,1]],"failed":[[2,"no"]]}\n';

const DRAFT = '{"t":"draft","id":"m.1","at":0,"text":"hm"}\n';

const DIRECTIONS = ["#turn\n", "#wait\n", "#say\n", "#connect\n", "#cut\n", "#back\n", "#low\n", "#high\n", "#deaf\n"];

export const conversation: Target = {
  name: "conversation",
  maxBytes: 2 * MAX_FRAME_BYTES,
  seeds: [
    `${OPENED}${msg(1)}${msg(2)}#turn\n{"t":"got","k":2}\n{"t":"bye","code":"CLOSED","message":""}\n`,
    `#high\n${HELLO}#turn\n{"t":"ready","have":null,"w":9}\n#turn\n{"t":"start","epoch":"e","low":1}\n${msg(1)}`,
    `${OPENED}#say\n#say\n${ACK}${DONE}#turn\n${ACK.replace("1,", "2,")}`,
    `${OPENED}${msg(1)}#turn\n#cut\n#connect\n${HELLO}{"t":"ready","have":{"epoch":"$epoch","n":0,"id":""},"w":9}\n`,
    `${OPENED}#say\n${ACK}#turn\n#cut\n#connect\n${HELLO}{"t":"ready","have":{"epoch":"$epoch","n":1,"id":""},"w":9}\n`,
    `#high\n${HELLO}#turn\n#connect\n${HELLO.replace('"c"', '"d"')}#turn\n#back\n{"t":"ready","have":null,"w":1}\n`,
    `${OPENED}#connect\n${HELLO.replace('"i"', '"j"')}#turn\n{"t":"ready","have":null,"w":1}\n#wait\n#back\n{"t":"ping"}\n`,
    `#deaf\n${OPENED}${msg(1)}#wait\n#wait\n#wait\n#wait\n#wait\n#wait\n#wait\n#wait\n`,
    `${OPENED}{"t":"skip","n":1,"to":3,"id":"m.3"}\n${msg(4)}#high\n#connect\n${OPENED}${msg(1)}`,
    `${OPENED}${msg(1)}#turn\n#cut\n#connect\n${OPENED.replace('"e"', '"f"')}${msg(1)}`,
    `${OPENED}#say\n${ACK}${DRAFT}${DRAFT.replace("0,", "2,")}#turn\n${msg(1)}${DRAFT}#wait\n${DRAFT.replace("hm", "")}`,
  ],
  tokens: [...FRAME_TOKENS, ...DIRECTIONS, ...DIRECTIONS, OPENED, ACK, DONE, DRAFT, msg(1), msg(2), "$epoch", "$conn"],
  async run(input, see) {
    const scene = await Scene.open(input, see);
    try {
      await scene.play(input);
      await scene.checkHealth();
    } finally {
      scene.close();
    }
  },
};

let image: Uint8Array | undefined; // an empty store, made once

class Scene {
  readonly world: SimulatedWorld;
  readonly #see: (sight: string) => void;
  readonly #dice: Dice;
  readonly #store;
  readonly #ends: End[] = [];
  readonly #said: string[] = []; // of frames, in all conversations, for `$epoch` and `$conn`
  readonly #handled = new Set<string>();
  #peer: Peer | undefined;
  #accept: (link: Link) => void = () => {};
  #at = -1; // the end that speaks
  #who: PeerId = LOW;
  #wasHeard = "start";

  static async open(input: Uint8Array, see: (sight: string) => void): Promise<Scene> {
    const scene = new Scene(input, see);
    await scene.#open();
    return scene;
  }

  private constructor(input: Uint8Array, see: (sight: string) => void) {
    this.world = createSimulatedWorld(1);
    this.#dice = Dice.of(input);
    this.#see = see;
    if (!image) {
      using empty = openStore(":memory:", this.world.clock);
      image = empty.db.serialize();
    }
    this.#store = openStore(image, this.world.clock);
  }

  async #open(): Promise<void> {
    const transport: Transport = {
      // oxlint-disable-next-line require-await -- a transport's methods are asynchronous
      listen: async (_, accept) => {
        this.#accept = accept;
        return { port: 1, [Symbol.asyncDispose]: () => Promise.resolve() };
      },
      dial: () => Promise.reject(new WarrenError("PEER_UNREACHABLE", "nobody listens here")),
      addresses: () => [{ host: "mid", port: 1 }],
    };
    const log = createLog("", (level, _, text) => {
      if (level === "error") throw new Broken(`the peer logs an error: ${text}`);
    });
    const info = { id: MIDDLE, name: "mid", kind: "bot" as const };
    const { world } = this;
    const peer = await Peer.open({ info, store: this.#store, transport, world, log, host: "mid", port: 1 });
    this.#peer = peer;
    peer.on("message", ({ from, id }) => {
      const key = `${from.id} ${id}`;
      mustHold(!this.#handled.has(key), () => "a message is handled twice");
      this.#handled.add(key);
    });
    const growing = new Map<string, string>(); // drafts that are shown
    peer.on("draft", ({ from, id, text }) => {
      const key = `${from.id} ${id}`;
      const before = growing.get(key) ?? "";
      mustHold(text === "" || (text.startsWith(before) && text !== before), () => "a draft does not grow");
      if (text === "") growing.delete(key);
      else growing.set(key, text);
      mustHold(growing.size <= MAX_DRAFTS_IN_ALL, () => `${growing.size} drafts are shown`);
      this.#see(`draft ${text === "" ? "gone" : "grown"}`);
    });
    peer.on("message", ({ from, id }) => void growing.delete(`${from.id} ${id}`));
    peer.on("notice", ({ code }) => this.#see(`notice ${code}`));
  }

  async play(input: Uint8Array): Promise<void> {
    this.#connect();
    await this.#perform(Buffer.from(input));
    await this.world.clock.settle();
    this.#check();
  }

  async #perform(bytes: Buffer): Promise<void> {
    let said = 0; // up to here everything is done
    let turns = 0;
    for (let hash = bytes.indexOf("#"); hash !== -1; hash = bytes.indexOf("#", hash + 1)) {
      if (hash > 0 && bytes[hash - 1] !== 10) continue;
      const feed = bytes.indexOf(10, hash);
      const direction = bytes.toString("latin1", hash + 1, feed === -1 ? undefined : feed);
      if (feed === -1 || ++turns > 50 || !Object.hasOwn(this.#directions, direction)) continue;
      await this.#say(bytes.subarray(said, hash));
      await this.#directions[direction]?.();
      said = feed + 1;
    }
    await this.#say(bytes.subarray(said));
  }

  /** Somebody who behaves is served as ever. */
  async checkHealth(): Promise<void> {
    if (!this.#dice.chance(1 / 8)) return;
    this.#who = testId("friend");
    this.#connect();
    await this.#perform(Buffer.from(OPENED + msg(1)));
    await this.world.clock.advance(1_000);
    const heard = this.#ends[this.#at]?.heard.map(({ t }) => t) ?? [];
    mustHold(heard.includes("ack") && heard.includes("done"), () => `who behaves well hears only ${heard.join(" ")}`);
  }

  close(): void {
    this.#store[Symbol.dispose]();
  }

  readonly #directions: Record<string, () => void | Promise<void>> = {
    turn: () => this.world.clock.settle(),
    wait: () => this.world.clock.advance(6_000),
    say: async () => {
      const sending = this.#peer?.send(this.#who, "hi").catch((error: unknown) => {
        if (!(error instanceof WarrenError)) throw error; // nobody has met this peer yet
        this.#see(`send ${error.code}`);
      });
      await this.world.clock.settle();
      await sending;
    },
    connect: () => this.#connect(),
    cut: () => this.#ends[this.#at]?.cut(),
    back: () => void (this.#at = Math.max(0, this.#at - 1)),
    low: () => void (this.#who = LOW),
    high: () => void (this.#who = HIGH),
    deaf: () => this.#ends[this.#at]?.stopReading(),
  };

  #connect(): void {
    const end = new End(this.#who, (frame) => this.#heard(frame));
    this.#at = this.#ends.push(end) - 1;
    this.#accept(end);
  }

  async #say(bytes: Buffer): Promise<void> {
    if (bytes.byteLength === 0) return;
    let text: Buffer = bytes;
    for (const [mark, key] of [
      ["$epoch", "epoch "],
      ["$conn", "conn "],
    ] as const) {
      if (!text.includes(mark)) continue;
      const word = this.#said.findLast((one) => one.startsWith(key))?.slice(key.length) ?? "none";
      text = Buffer.from(text.toString("latin1").replaceAll(mark, word), "latin1");
    }
    for (const piece of this.#dice.cut(text)) {
      this.#ends[this.#at]?.say(piece);
      if (this.#dice.chance(0.1)) await this.world.clock.settle();
    }
  }

  #heard(frame: Frame): void {
    this.#see(`${this.#wasHeard} > ${frame.t}`);
    this.#wasHeard = frame.t;
    if (frame.t === "start") this.#said.push(`epoch ${frame.epoch}`);
    if (frame.t === "hello") this.#said.push(`conn ${frame.conn}`);
    if (frame.t !== "bye") return;
    mustHold(BYE_CODES.has(frame.code), () => `a bye with ${frame.code}`);
    this.#see(`bye ${frame.code} ${frame.message.replace(/\d+/g, "#")}`);
  }

  #check(): void {
    for (const end of this.#ends) {
      end.check();
      const count = (kind: Frame["t"]): number => end.heard.filter(({ t }) => t === kind).length;
      mustHold(count("hello") <= 1 && count("ready") <= 1 && count("start") <= 1, () => "a greeting is said twice");
      mustHold(count("pong") <= end.pings, () => "an answer to no question");
    }
    const waiting = this.#store.incoming.waitingCounts().reduce((sum, { count }) => sum + count, 0);
    mustHold(waiting <= 3 * MAX_STRANGER_INBOX, () => `${waiting} messages of strangers wait`);
    this.#see(`${magnitude(this.#handled.size)} handled, ${magnitude(waiting)} waiting`);
  }
}

const [LOW, MIDDLE, HIGH] = [testId("a"), testId("m"), testId("z")];

/** The stranger's end of a link: what the peer writes is read at once. */
class End implements Link {
  readonly peer: PeerId;
  readonly remote = { host: "far", port: 1 };
  readonly dialled = false;
  readonly heard: Frame[] = [];
  pings = 0; // at least as many as were said
  readonly #onFrame: (frame: Frame) => void;
  #handler: LinkHandler | undefined;
  #text = "";
  #isOpen = true;
  #isDeaf = false;

  constructor(peer: PeerId, onFrame: (frame: Frame) => void) {
    this.peer = peer;
    this.#onFrame = onFrame;
  }

  open(handler: LinkHandler): void {
    this.#handler = handler;
  }

  write(bytes: Uint8Array): number {
    if (!this.#isOpen) return -1;
    mustHold(bytes.byteLength <= 2 * MAX_QUEUED_BYTES, () => `${bytes.byteLength} bytes waited`);
    if (this.#isDeaf) return 0;
    const lines = (this.#text + Buffer.from(bytes).toString()).split("\n");
    this.#text = lines.pop() ?? "";
    for (const line of lines) {
      mustHold(this.heard.at(-1)?.t !== "bye" || line.startsWith('{"t":"bye"'), () => "something comes after a bye");
      const frame = decodeFrame(JSON.parse(line));
      if (!frame) throw new Error(`Warren says what it does not know itself: ${line}`);
      this.heard.push(frame);
      this.#onFrame(frame);
    }
    return bytes.byteLength;
  }

  pause(): void {}

  resume(): void {}

  end(): void {
    this.#isOpen = false;
  }

  terminate(): void {
    this.#isOpen = false;
  }

  stopReading(): void {
    this.#isDeaf = true;
  }

  say(bytes: Uint8Array): void {
    if (!this.#isOpen) return;
    this.pings += bytes.byteLength; // more than there can be in it
    const lent = Buffer.from(bytes); // as a socket gives it
    this.#handler?.data(lent);
    lent.fill(0);
  }

  cut(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#handler?.closed();
  }

  check(): void {
    mustHold(this.#text === "", () => "half a line is left");
    const first = this.heard[0]?.t ?? "hello";
    mustHold(first === "hello" || first === "bye", () => `the first frame is ${first}`);
  }
}
