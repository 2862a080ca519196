/** A talker: a peer in a process of its own that a test tells what to do, kills, and starts again. */
import { createServer } from "node:net";
import { fileURLToPath } from "node:url";
import { readLines } from "./lines.ts";
import type { MessageState } from "../../src/peer/message.ts";

const PROGRAM = fileURLToPath(new URL("talker-program.ts", import.meta.url));

export type TalkerCommand =
  | { do: "meet"; address: string }
  | { do: "send"; to: string; text: string }
  | { do: "stream"; to: string; upTo: number }
  | { do: "history"; with: string };

export interface Line {
  readonly own: boolean;
  readonly text: string;
  readonly state: MessageState;
}

export type TalkerEvent =
  | { event: "ready"; id: string; port: number }
  | { event: "met"; id: string }
  | { event: "sent"; text: string }
  | { event: "heard"; text: string }
  | { event: "notice"; text: string }
  | { event: "receipt"; state: MessageState }
  | { event: "history"; lines: Line[] };

type EventOf<Name extends TalkerEvent["event"]> = Extract<TalkerEvent, { event: Name }>;
type Watcher = (event: TalkerEvent) => void;

export class Talker implements AsyncDisposable {
  readonly name: string;
  readonly home: string;
  readonly port: number;
  id = "";
  /** The texts that its handler was given, over all its lives. */
  readonly heard: string[] = [];
  readonly notices: string[] = [];
  readonly #manner: string;
  #child: Bun.Subprocess<"pipe", "pipe", "inherit"> | undefined;
  #watchers = new Set<Watcher>();

  /** Its port outlives it, so that others find it again. */
  static async start(name: string, home: string, manner: "answers" | "listens" = "listens"): Promise<Talker> {
    const talker = new Talker(name, home, await findQuietPort(), manner);
    await talker.start();
    return talker;
  }

  private constructor(name: string, home: string, port: number, manner: string) {
    this.name = name;
    this.home = home;
    this.port = port;
    this.#manner = manner;
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  async start(): Promise<void> {
    const command = [process.execPath, PROGRAM, this.home, this.name, String(this.port), this.#manner];
    const child = Bun.spawn(command, { stdin: "pipe", stdout: "pipe", stderr: "inherit" });
    this.#child = child;
    const ready = this.next("ready");
    void this.#read(child.stdout);
    this.id = (await ready).id;
  }

  say(command: TalkerCommand): void {
    void this.#child?.stdin.write(`${JSON.stringify(command)}\n`);
    void this.#child?.stdin.flush();
  }

  /** Says it and waits for the answer. */
  async ask<Name extends TalkerEvent["event"]>(command: TalkerCommand, answer: Name): Promise<EventOf<Name>> {
    const answered = this.next(answer);
    this.say(command);
    return await answered;
  }

  /** The next event of that name for which `isWanted` holds. */
  next<Name extends TalkerEvent["event"]>(
    name: Name,
    isWanted: (event: EventOf<Name>) => boolean = () => true,
  ): Promise<EventOf<Name>> {
    const isIt = (event: TalkerEvent): event is EventOf<Name> => event.event === name;
    return new Promise((resolve) => {
      const end = this.watch((event) => {
        if (!isIt(event) || !isWanted(event)) return;
        end();
        resolve(event);
      });
    });
  }

  watch(watcher: Watcher): () => void {
    this.#watchers.add(watcher);
    return () => void this.#watchers.delete(watcher);
  }

  /** Ends it in order. */
  async stop(): Promise<void> {
    void this.#child?.stdin.end();
    await this.#child?.exited;
  }

  async kill(): Promise<void> {
    this.#child?.kill("SIGKILL");
    await this.#child?.exited;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.kill();
  }

  async #read(output: ReadableStream<Uint8Array>): Promise<void> {
    for await (const line of readLines(output)) this.#take(JSON.parse(line) as TalkerEvent);
  }

  #take(event: TalkerEvent): void {
    if (event.event === "heard") this.heard.push(event.text);
    if (event.event === "notice") this.notices.push(event.text);
    for (const watcher of this.#watchers) watcher(event);
  }
}

/** A free port that the kernel does not give to outgoing connections, so that it stays free between two lives. */
async function findQuietPort(): Promise<number> {
  for (;;) {
    const port = 15_000 + Math.floor(Math.random() * 15_000);
    if (await isFree(port)) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}
