/** A raw peer: it has a key that is good, and says by hand whatever the test wants, whether that is allowed or not. */
import type { PeerId } from "../../src/base/ids.ts";
import type { Link } from "../../src/peer/link.ts";
import type { Peer } from "../../src/peer/peer.ts";
import type { Frame } from "../../src/wire/frames.ts";
import { testId, type Burrow } from "./burrow.ts";

type Spoken = Record<string, unknown> & { t: Frame["t"] };

interface Joining {
  epoch?: string;
  low?: number;
  /** Credit for messages. */
  w?: number;
  instance?: string;
  conn?: string;
  /** Where it says that it listens. */
  port?: number;
}

export class RawPeer {
  readonly name: string;
  readonly id: PeerId;
  /** The frames that came, on any connection. */
  readonly heard: Spoken[] = [];
  isClosed = false;
  readonly #burrow: Burrow;
  #link: Link | undefined;
  #text = "";
  #unsent = Buffer.alloc(0);

  constructor(burrow: Burrow, name: string) {
    this.#burrow = burrow;
    this.name = name;
    this.id = testId(name);
  }

  /** Connects; says nothing yet. */
  async dial(to: Peer): Promise<this> {
    const transport = this.#burrow.network.transport(this.id, this.name);
    const signal = new AbortController().signal;
    const dialled = transport.dial({ host: to.name, port: to.port }, { expect: to.id, signal });
    await this.#burrow.settle(1);
    this.#open(await dialled);
    return this;
  }

  /** Takes the next connection that comes to a port of its own; says nothing yet. Returns its `host:port`. */
  async listen(): Promise<string> {
    const transport = this.#burrow.network.transport(this.id, this.name);
    const { port } = await transport.listen({ host: this.name, port: 0 }, (link) => this.#open(link));
    return `${this.name}:${port}`;
  }

  /** Connects and says hello. */
  async meet(to: Peer, more: object = {}): Promise<this> {
    await this.dial(to);
    this.say(this.hello(more));
    await this.#burrow.settle(5);
    return this;
  }

  /** Connects, says hello and `ready`, and begins: from here on messages may flow. */
  async join(to: Peer, options: Joining = {}): Promise<this> {
    const { epoch = "e1", low = 1, w = 100, ...more } = options;
    await this.meet(to, more);
    this.say({ t: "ready", have: null, w });
    await this.#burrow.settle(5); // until the other side has said it too
    this.say({ t: "start", epoch, low });
    await this.#burrow.settle(5);
    return this;
  }

  hello(more: object = {}): object {
    const { name } = this;
    return { t: "hello", v: 1, instance: "i1", conn: "c1", holds: null, name, kind: "person", port: 0, ...more };
  }

  /** Says frames, or any text as it is. */
  say(...frames: (object | string)[]): void {
    const text = frames.map((frame) => (typeof frame === "string" ? frame : `${JSON.stringify(frame)}\n`)).join("");
    this.#unsent = Buffer.concat([this.#unsent, Buffer.from(text)]);
    this.#write();
  }

  hangUp(): void {
    this.#link?.terminate();
  }

  /** The frames of one kind. */
  all(kind: Frame["t"]): Spoken[] {
    return this.heard.filter(({ t }) => t === kind);
  }

  /** The code of the reason that was given for closing. */
  get farewell(): unknown {
    return this.all("bye").at(-1)?.["code"];
  }

  #open(link: Link): void {
    this.#link = link;
    this.isClosed = false;
    link.open({
      data: (chunk) => {
        const lines = (this.#text + Buffer.from(chunk).toString()).split("\n");
        this.#text = lines.pop() ?? "";
        this.heard.push(...lines.map((line) => JSON.parse(line) as Spoken));
      },
      drain: () => this.#write(),
      closed: () => void (this.isClosed = true),
    });
  }

  #write(): void {
    const sent = this.#link?.write(this.#unsent) ?? 0;
    if (sent > 0) this.#unsent = this.#unsent.subarray(sent);
  }
}
