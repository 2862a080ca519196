/** The peer in Python, as a process that a test tells what to do, kills and starts again; and a cable that can be cut. */
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { join } from "node:path";
import { readLines } from "../end-to-end/lines.ts";

const PROGRAM = join(import.meta.dir, "peer.py");

type Event = { readonly event: string; readonly [field: string]: unknown };

export class PythonPeer implements AsyncDisposable {
  readonly #folder: string;
  readonly #announced: number;
  readonly #waiting = new Set<(event: Event) => void>();
  #child: Bun.Subprocess<"pipe", "pipe", "inherit"> | undefined;

  /** `announced` is the port that it tells others. */
  constructor(folder: string, announced: number) {
    this.#folder = folder;
    this.#announced = announced;
  }

  /** Resolves with its id and the port at which it listens. */
  async start(): Promise<{ id: string; port: number }> {
    const command = ["python3", PROGRAM, this.#folder, String(this.#announced)];
    const child = Bun.spawn(command, { stdin: "pipe", stdout: "pipe", stderr: "inherit" });
    this.#child = child;
    const listening = this.next("listening");
    void this.#read(child.stdout);
    const { id, port } = await listening;
    return { id: String(id), port: Number(port) };
  }

  say(command: string): void {
    void this.#child?.stdin.write(`${command}\n`);
    void this.#child?.stdin.flush();
  }

  /** The next event of that name for which `isWanted` holds. */
  next(name: string, isWanted: (event: Event) => boolean = () => true): Promise<Event> {
    return new Promise((resolve) => {
      const look = (event: Event): void => {
        if (event.event !== name || !isWanted(event)) return;
        this.#waiting.delete(look);
        resolve(event);
      };
      this.#waiting.add(look);
    });
  }

  async ask(command: string, answer: string): Promise<Event> {
    const answered = this.next(answer);
    this.say(command);
    return await answered;
  }

  async kill(): Promise<void> {
    this.#child?.kill("SIGKILL");
    await this.#child?.exited;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.kill();
  }

  async #read(output: ReadableStream<Uint8Array>): Promise<void> {
    for await (const line of readLines(output)) for (const look of this.#waiting) look(JSON.parse(line) as Event);
  }
}

/** A way to a port of this machine. While it is down, whoever comes is sent away at once. */
export class Cable implements Disposable {
  target = 0;
  isDown = false;
  readonly #sockets = new Set<Socket>();
  readonly #server = createServer((near) => this.#join(near));

  static async lay(): Promise<Cable> {
    const cable = new Cable();
    await new Promise<void>((resolve) => cable.#server.listen(0, "127.0.0.1", resolve));
    return cable;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Breaks what goes through it now; returns how many connections that were. */
  cut(): number {
    const count = this.#sockets.size / 2;
    for (const socket of this.#sockets) socket.destroy();
    return count;
  }

  [Symbol.dispose](): void {
    this.#server.close();
    this.cut();
  }

  #join(near: Socket): void {
    if (this.isDown) return void near.destroy();
    const far = connect(this.target, "127.0.0.1");
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#sockets.add(socket);
      socket.pipe(other);
      socket.on("error", () => {}); // it is closed next
      socket.on("close", () => {
        this.#sockets.delete(socket);
        other.destroy();
      });
    }
  }
}
