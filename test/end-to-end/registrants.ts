/**
 * Many registrants in one process: sessions with a registry and nothing else, as lean as they can be, so that it is the registry
 * that is measured. Each seems to come from an address of its own, as through a proxy. They keep their leases, heed `after`, and
 * come back as Warren's client does; but they do not subscribe, and do not check what the registry signs.
 *
 * Arguments: URL, how many, the number of the first. Commands and events are JSON, one a line.
 */
import { systemWorld, backoffMs, sleep } from "../../src/base/world.ts";
import type { PeerId } from "../../src/base/ids.ts";
import { encodePeerId } from "../../src/identity/peer-id.ts";
import { signGoodbye, signLogin, type Challenge } from "../../src/registry/proof.ts";
import { signRecord } from "../../src/registry/record.ts";
import { readLines } from "./lines.ts";

export type RegistrantsCommand =
  /** So many at a time; each tries until it is in. Who is on a visit says goodbye then, and is not seen again. */
  { do: "arrive" | "visit"; atOnce: number } | { do: "counts" } | { do: "end" };

export type RegistrantsEvent =
  | { event: "ready" | "arrived" }
  /** Epoch seconds with how many were welcomed, began to dial, and were told to come again in them; how many are in; ms that logins took. */
  | { event: "counts"; welcomed: Counts; dialled: Counts; refused: Counts; inside: number; tookMs: number[] };

export type Counts = Record<string, number>;

const LEAN = { kind: "person" as const, addresses: [], card: { about: "", commands: [] }, ttl: 3_600 };
const SPEAK_EVERY_MS = 13_000;
const { clock } = systemWorld;

const [url = "", count = "", first = ""] = process.argv.slice(2);
const counts = { welcomed: {} as Counts, dialled: {} as Counts, refused: {} as Counts };
const tookMs: number[] = [];
let inside = 0;

class Registrant {
  readonly #headers: Record<string, string>;
  readonly #record: string;
  readonly #key: CryptoKey;
  readonly #id: PeerId;
  #socket: WebSocket | undefined;
  #isIn = false;
  #challenge: Pick<Challenge, "registry" | "nonce"> | undefined; // of the session that is under way
  #hasParted = false;

  static async make(number: number): Promise<Registrant> {
    const keys = await crypto.subtle.generateKey("Ed25519", true, ["sign", "verify"]);
    if (!("privateKey" in keys)) throw new Error("a key pair was expected");
    const { publicKey, privateKey } = keys;
    const id = encodePeerId(new Uint8Array(await crypto.subtle.exportKey("raw", publicKey)));
    const record = await signRecord({ ...LEAN, id, name: `peer-${number}`, seq: 1 }, privateKey);
    return new Registrant(number, id, privateKey, record);
  }

  private constructor(number: number, id: PeerId, key: CryptoKey, record: string) {
    const address = `10.${(number >> 16) & 255}.${(number >> 8) & 255}.${number & 255}`;
    this.#headers = { "x-forwarded-for": address };
    this.#id = id;
    this.#key = key;
    this.#record = record;
  }

  /** Resolves at the first welcome; then it stays, and comes back whenever it is sent away. */
  stay(): Promise<void> {
    return new Promise((resolve) => void this.#run(resolve));
  }

  /** Resolves when the registry has heard its goodbye; tries until it has. */
  async visit(): Promise<void> {
    for (let attempt = 0, isDone = false; !isDone; attempt++) {
      const awayMs = await this.#session(() => void this.#sayGoodbye());
      isDone = this.#hasParted;
      if (!isDone) await sleep(clock, awayMs + backoffMs(attempt, Math.random));
    }
  }

  ping(): void {
    if (this.#isIn) this.#socket?.send('{"t":"ping"}');
  }

  async #run(onWelcome: () => void): Promise<void> {
    for (let attempt = 0; ; attempt++) {
      const startedAt = clock.steady();
      const end = await this.#session(() => {
        tookMs.push(clock.steady() - startedAt);
        count1(counts.welcomed);
        attempt = 0;
        onWelcome();
      });
      await sleep(clock, end + backoffMs(attempt, Math.random));
    }
  }

  /** Resolves to the ms for which it was asked to stay away. */
  #session(onWelcome: () => void): Promise<number> {
    count1(counts.dialled);
    return new Promise((resolve) => {
      let awayMs = 0;
      const nonce = systemWorld.token(32);
      const socket = new WebSocket(`${url.replace("http", "ws")}/v1/session?nonce=${nonce}`, {
        headers: this.#headers,
      });
      this.#socket = socket;
      socket.addEventListener("message", ({ data }) => {
        const frame = JSON.parse(String(data)) as { t: string; challenge: string; after?: number };
        if (frame.t === "challenge") void this.#logIn(socket, frame.challenge);
        if (frame.t === "welcome") {
          this.#isIn = true;
          inside++;
          onWelcome();
        }
        if (frame.t === "bye" && frame.after === undefined) this.#hasParted = true;
        if (frame.t === "bye" || frame.t === "error") awayMs = frame.after ?? 0;
        if (frame.t === "error") count1(counts.refused);
      });
      socket.addEventListener("error", () => {}); // "close" follows
      socket.addEventListener("close", () => {
        if (this.#isIn) inside--;
        this.#isIn = false;
        resolve(awayMs);
      });
    });
  }

  async #logIn(socket: WebSocket, challenge: string): Promise<void> {
    const payload = Buffer.from(challenge.split(".")[1] ?? "", "base64url").toString();
    const { registry, nonce } = JSON.parse(payload) as Challenge;
    this.#challenge = { registry, nonce };
    const login = await signLogin({ id: this.#id, registry, nonce, origin: url }, this.#key);
    if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify({ t: "login", login, record: this.#record }));
  }

  async #sayGoodbye(): Promise<void> {
    if (!this.#challenge) return;
    const goodbye = await signGoodbye({ id: this.#id, ...this.#challenge }, this.#key);
    this.#socket?.send(JSON.stringify({ t: "goodbye", goodbye }));
  }
}

const registrants: Registrant[] = [];
for (let i = 0; i < Number(count); i++) registrants.push(await Registrant.make(Number(first) + i));
void keepLeases();
emit({ event: "ready" });
for await (const line of readLines(Bun.stdin.stream())) await perform(JSON.parse(line) as RegistrantsCommand);
process.exit();

async function perform(command: RegistrantsCommand): Promise<void> {
  if (command.do === "end") process.exit();
  if (command.do === "counts") {
    emit({ event: "counts", ...counts, inside, tookMs });
    tookMs.length = 0;
    for (const each of Object.values(counts)) for (const second of Object.keys(each)) delete each[second];
    return;
  }
  const waiting = registrants.values();
  const inTurn = async (): Promise<void> => {
    for (const registrant of waiting) await (command.do === "visit" ? registrant.visit() : registrant.stay());
  };
  await Promise.all(Array.from({ length: command.atOnce }, inTurn));
  emit({ event: "arrived" });
}

/** A few at a time, so that not all of them speak at once. */
async function keepLeases(): Promise<never> {
  for (let turn = 0; ; turn++) {
    await sleep(clock, SPEAK_EVERY_MS / 100);
    for (let i = turn % 100; i < registrants.length; i += 100) registrants[i]?.ping();
  }
}

function count1(counted: Counts): void {
  const second = String(Math.floor(Date.now() / 1_000));
  counted[second] = (counted[second] ?? 0) + 1;
}

function emit(event: RegistrantsEvent): void {
  process.stdout.write(`${JSON.stringify(event)}\n`);
}
