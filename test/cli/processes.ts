/** Real processes for the tests of the faces: a home of their own, a registry port of their own, events instead of sleeps. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { homedir, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { Glass } from "./glass.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
export const PEER_PROGRAM = join(ROOT, "src/cli/peer.ts");
/** What Bun has transpiled, shared by all homes: one of its own would be made anew, and written by those that are being killed. */
const TRANSPILED = process.env["BUN_RUNTIME_TRANSPILER_CACHE_PATH"] ?? join(homedir(), ".bun/install/cache/@t@");

type Event = Record<string, unknown> & { event: string };
type Output = Bun.Subprocess<"pipe", "pipe", "pipe">;

/** Everything that a test starts here is ended, and its files removed, with it. */
export class TestHome implements AsyncDisposable {
  readonly path: string;
  readonly registryPort: number;
  readonly #children: { kill(signal: "SIGKILL"): void; readonly exited: Promise<number> }[] = [];

  /** `neighbour`: a home of the same machine, whose registry is this one's too. */
  static async make(neighbour?: TestHome): Promise<TestHome> {
    const registryPort = neighbour?.registryPort ?? (await freePort());
    return new TestHome(await mkdtemp(join(tmpdir(), "warren-cli-")), registryPort);
  }

  private constructor(path: string, registryPort: number) {
    this.path = path;
    this.registryPort = registryPort;
  }

  get registryUrl(): string {
    return `http://127.0.0.1:${this.registryPort}`;
  }

  get environment(): Record<string, string> {
    const { PATH = "" } = process.env;
    return {
      PATH,
      HOME: this.path,
      USER: "Zoë",
      WARREN_HOME: this.path,
      WARREN_REGISTRY_PORT: String(this.registryPort),
      BUN_RUNTIME_TRANSPILER_CACHE_PATH: TRANSPILED,
    };
  }

  /** Puts a bot into the `./bots` of its peers, and resolves with the file. `source` needs no import of Warren. */
  async putBot(name: string, source: string): Promise<string> {
    const file = join(this.path, "bots", `${name}.ts`);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, `import { definePlugin, z } from ${JSON.stringify(join(ROOT, "src/index.ts"))};\n${source}`);
    return file;
  }

  /** Runs a command to its end. */
  async run(args: readonly string[], input = ""): Promise<{ code: number; out: string; err: string }> {
    const child = this.#spawn(args);
    void child.stdin.write(input);
    void child.stdin.end();
    const [out, err, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
    return { code, out, err };
  }

  /** Starts a peer that speaks JSON, and resolves when it is ready. */
  async peer(name: string, ...more: string[]): Promise<JsonPeer> {
    const peer = new JsonPeer(this.#spawn(["--json", "--name", name, "--port", "0", ...more]));
    await peer.next((event) => event.event === "ready");
    return peer;
  }

  /** Starts a command whose output comes while it runs. */
  command(...args: string[]): JsonPeer {
    return new JsonPeer(this.#spawn(args));
  }

  /** Starts the program in a terminal. */
  terminal(...args: string[]): Typist {
    const typist = new Typist([process.execPath, PEER_PROGRAM, ...args], this.environment, this.path);
    this.#children.push(typist.child);
    return typist;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#children) child.kill("SIGKILL");
    await Promise.all(this.#children.map((child) => child.exited));
    await rm(this.path, { recursive: true, force: true, maxRetries: 5 }); // children of the killed may still write
  }

  #spawn(args: readonly string[]): Output {
    const child = Bun.spawn([process.execPath, PEER_PROGRAM, ...args], {
      cwd: this.path, // no ./bots here, unless the test puts them
      env: this.environment,
      stdin: "pipe",
      stdout: "pipe",
      stderr: "pipe",
    });
    this.#children.push(child);
    return child;
  }
}

/** A program that prints one JSON object a line. */
export class JsonPeer {
  readonly child: Output;
  readonly seen: Event[] = [];
  #look: () => void = noop;
  #hasEnded = false;

  constructor(child: Output) {
    this.child = child;
    void this.#read();
  }

  say(command: object | string): void {
    void this.child.stdin.write(`${typeof command === "string" ? command : JSON.stringify(command)}\n`);
    void this.child.stdin.flush();
  }

  /** The first event, past or to come, that is wanted. */
  next(isWanted: (event: Event) => boolean): Promise<Event> {
    return new Promise((resolve, reject) => {
      const before = this.#look;
      const look = (): void => {
        before();
        const found = this.seen.find(isWanted);
        if (found) resolve(found);
        else if (this.#hasEnded) reject(new Error(`it ended after ${JSON.stringify(this.seen)}`));
      };
      this.#look = look;
      look();
    });
  }

  /** Resolves when it was told that a peer of that name came, or went. */
  async sees(name: string, online = true): Promise<Event> {
    return await this.next((event) => {
      return (
        event.event === "presence" && event["online"] === online && (event["peer"] as { name: string }).name === name
      );
    });
  }

  /** Resolves when this one knows that a peer has gone: it is told so by the registry, and by the end of the connection. */
  async seesGo(name: string): Promise<void> {
    for (let look = 1; ; look++) {
      const ref = `gone ${name} ${look}`;
      this.say({ do: "users", ref });
      const { peers } = await this.next((event) => event.event === "users" && event["ref"] === ref);
      if (!(peers as { name: string; online: boolean }[]).some((peer) => peer.name === name && peer.online)) return;
    }
  }

  async #read(): Promise<void> {
    let text = "";
    for await (const chunk of this.child.stdout.pipeThrough(new TextDecoderStream())) {
      const lines = (text + chunk).split("\n");
      text = lines.pop() ?? "";
      this.seen.push(...lines.map((line) => JSON.parse(line) as Event));
      this.#look();
    }
    this.#hasEnded = true;
    this.#look();
  }
}

const COLUMNS = 100;
const ROWS = 30;

/** Somebody who types at a terminal and reads what it shows. */
export class Typist {
  readonly child: Bun.Subprocess;
  /** What is on the screen. */
  readonly glass = new Glass(COLUMNS, ROWS);
  readonly #terminal: Bun.Terminal;
  #text = "";
  #from = 0; // what was read before that place is not found again
  #look: () => void = noop;

  constructor(command: string[], env: Record<string, string>, cwd: string) {
    const decoder = new TextDecoder();
    this.#terminal = new Bun.Terminal({
      cols: COLUMNS,
      rows: ROWS,
      data: (_, chunk) => {
        const text = decoder.decode(chunk, { stream: true });
        this.glass.write(text);
        this.#text += Bun.stripANSI(text);
        this.#look();
      },
    });
    this.child = Bun.spawn(command, { terminal: this.#terminal, env: { ...env, TERM: "xterm-256color" }, cwd });
  }

  type(text: string): void {
    this.#terminal.write(text);
  }

  /** Takes the terminal away, as closing its window does; the signal is what the kernel sends to a terminal's own session. */
  hangUp(): void {
    this.#terminal.close();
    this.child.kill("SIGHUP");
  }

  /** Types a line and waits for what it brings. */
  async enter(line: string, answer: RegExp | string): Promise<string> {
    this.type(`${line}\r`);
    return await this.read(answer);
  }

  /** Resolves when the answer has come after what was read last. */
  read(answer: RegExp | string): Promise<string> {
    return new Promise((resolve, reject) => {
      this.#look = () => {
        const rest = this.#text.slice(this.#from);
        const found = typeof answer === "string" ? rest.indexOf(answer) : rest.search(answer);
        if (found === -1) return;
        this.#look = noop;
        const length = typeof answer === "string" ? answer.length : (answer.exec(rest)?.[0].length ?? 0);
        this.#from += found + length;
        resolve(rest.slice(0, found + length));
      };
      this.#look();
      const giveUp = (): void => reject(new Error(`it ended; waiting for ${String(answer)} in ${this.#text}`));
      // Its last words can come from the terminal after its end.
      void this.child.exited.then(() => setTimeout(giveUp, LAST_WORDS_WITHIN_MS).unref());
    });
  }
}

const LAST_WORDS_WITHIN_MS = 2_000;

const noop = (): void => {};

/** Below the ports that systems give out by themselves: whoever asks for any port does not get one that is meant for a registry. */
const PORTS = { from: 16_000, count: 16_000 };
let lastPort = Math.floor(Math.random() * PORTS.count);

/** A port that was free a moment ago, and that no other test of this process is given. */
async function freePort(): Promise<number> {
  for (;;) {
    lastPort = (lastPort + 1) % PORTS.count;
    const port = PORTS.from + lastPort;
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
