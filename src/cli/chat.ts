/** The chat: a peer at a terminal. */
import type { Card } from "../base/card.ts";
import { describeError, WarrenError } from "../base/errors.ts";
import { formatAddress, type PeerInfo } from "../base/ids.ts";
import { oneLine } from "../base/log.ts";
import { Scope } from "../base/scope.ts";
import type { World } from "../base/world.ts";
import type { IncomingMessage, Receipt } from "../peer/message.ts";
import type { Peer } from "../peer/peer.ts";
import { CHAT_COMMANDS, type ChatActions } from "./chat-commands.ts";
import { readChatLine } from "./chat-line.ts";
import {
  cardText,
  incomingText,
  MARK_COLUMN,
  markOf,
  noteText,
  outgoingText,
  promptText,
  TEXT_COLUMN,
  WELCOME_COLUMN,
  welcomeLines,
} from "./chat-text.ts";
import { complete } from "./completion.ts";
import { messageEvent, type Ready } from "./events.ts";
import { Gathering } from "./gathering.ts";
import type { Online } from "./house.ts";
import type { Paint } from "./paint.ts";
import type { Block, Screen } from "./screen.ts";
import type { Session } from "./session.ts";

const GATHER_MS = 300;
const PATIENCE_MS = 2_000; // a message that is not over there by then is said to wait
const MAX_MARKED = 500; // messages whose marks are still brought up to date; older ones have left any screen

export interface ChatOptions {
  screen: Screen;
  paint: Paint;
  world: World;
  /** Opens the peer; again, after a disconnect, and then perhaps at another registry (a URL or "none"). */
  connect: (registry?: string) => Promise<Online>;
  /** Whether the registry runs in this process. */
  isOwnRegistry: () => boolean;
  /** Called when the user wants to leave. */
  onQuit: () => void;
  /** Called when the input, which is no terminal, has ended. */
  onEndOfInput: (peer: Peer | undefined) => Promise<void>;
}

export class Chat implements ChatActions, AsyncDisposable {
  readonly paint: Paint;
  readonly #options: ChatOptions;
  readonly #screen: Screen;
  readonly #world: World;
  readonly #blocks = new Map<string, Block>(); // of messages of ours that have no last state, by message id
  readonly #delivered = new Set<string>(); // of the messages in #blocks, those that are over there
  readonly #known = new Map<string, PeerInfo>(); // everyone seen, by name
  readonly #arrivals: Gathering<PeerInfo>;
  readonly #departures: Gathering<PeerInfo>;
  readonly #late: Gathering<PeerInfo>;
  readonly #absent = new Set<string>(); // ids of whom it was said that they are not online
  #online: Online | undefined;
  #me: (Ready & { readonly addresses: readonly string[] }) | undefined;
  #wires = new Scope();
  #partner: PeerInfo | undefined;
  #turn = Promise.resolve(); // lines are done one after another
  #shown = 0;

  constructor(options: ChatOptions) {
    this.#options = options;
    this.paint = options.paint;
    this.#screen = options.screen;
    this.#world = options.world;
    const gather = (tell: (who: string, count: number) => void): Gathering<PeerInfo> =>
      new Gathering(options.world.clock, GATHER_MS, (peers) => {
        const names = [...new Set(peers.map((peer) => oneLine(peer.name)))];
        tell(names.join(", "), names.length);
      });
    this.#arrivals = gather((who, count) => this.note(`${who} ${count === 1 ? "is" : "are"} online`));
    this.#departures = gather((who) => this.note(`${who} went offline`));
    this.#late = gather((who) => this.note(`what you said before has reached ${who}`));
  }

  get partnerName(): string | undefined {
    return this.#partner?.name;
  }

  get shownCount(): number {
    return this.#shown;
  }

  /** Goes online, says welcome, and takes lines. */
  async start(): Promise<void> {
    await this.#connect();
    const isOwnRegistry = this.#options.isOwnRegistry();
    const present = (await this.peer().users()).flatMap((user) => (user.online && !user.self ? user.name : []));
    this.#screen.print(welcomeLines({ ...this.whoAmI(), isOwnRegistry, present }, this.paint), WELCOME_COLUMN);
    this.#prompt();
    this.#screen.read({
      onLine: (line) => {
        this.#turn = this.#turn.then(() => this.#take(line)).catch((error: unknown) => this.#complain(error));
      },
      onEnd: () => {
        if (this.#screen.isTerminal) this.quit();
        else this.#turn = this.#turn.then(() => this.#options.onEndOfInput(this.#online?.peer));
      },
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const gathering of [this.#arrivals, this.#departures, this.#late]) gathering[Symbol.dispose]();
    await this.#hangUp();
  }

  now(): number {
    return this.#world.clock.now();
  }

  peer(): Peer {
    if (this.#online) return this.#online.peer;
    throw new WarrenError("CLOSED", "you are offline: /register brings you back");
  }

  whoAmI(): Ready & { readonly addresses: readonly string[]; readonly online: boolean } {
    if (!this.#me) throw new WarrenError("CLOSED", "you were not online yet");
    return { ...this.#me, online: this.#online !== undefined };
  }

  note(text: string): void {
    this.#screen.print(noteText(text, this.paint), TEXT_COLUMN);
  }

  showLines(lines: readonly string[]): void {
    this.#screen.print(
      lines.map((line) => `  ${line}`),
      4,
    );
  }

  async say(to: string, text: string): Promise<void> {
    this.peer();
    const session = this.#online?.session;
    await new Promise<void>((begun) => {
      void session
        ?.perform({ do: "send", to, text }, (event) => {
          if (event.event === "error") this.#warn(event.message);
          if (event.event !== "receipt") return;
          if (event.state === "queued") this.#said(event, text);
          else this.#onReceipt(event);
          begun();
        })
        .finally(begun);
    });
  }

  async talkTo(to: string): Promise<void> {
    if (to === "") {
      this.#partner = undefined;
      return this.#prompt();
    }
    const peer = this.peer();
    this.#turnTo(await peer.resolve(to));
    const card = this.#cardOf(this.partnerName ?? "");
    this.note(
      card && card.about !== ""
        ? cardText(card, this.paint)
        : `what you type goes to ${oneLine(this.partnerName ?? "")}`,
    );
  }

  async register(registry: string): Promise<void> {
    await this.#hangUp();
    await this.#connect(registry === "" ? undefined : registry);
    const { registry: url, addresses } = this.whoAmI();
    this.note(`online at ${addresses[0] ?? "no address"}, registry ${url ?? "none"}`);
  }

  async disconnect(): Promise<void> {
    this.peer();
    await this.#hangUp();
    this.note("you are offline; /register brings you back");
  }

  goodbye(): void {
    this.note("goodbye");
  }

  quit(): void {
    this.#options.onQuit();
  }

  /** How a line that is being typed may go on. */
  complete(line: string): [matches: string[], completed: string] {
    const names = Object.entries(CHAT_COMMANDS);
    return complete(line, {
      commands: names.map(([name]) => name),
      withName: names.flatMap(([name, { takesName }]) => (takesName ? [name] : [])),
      names: [...this.#known.keys()].sort(),
      partner: this.partnerName,
      cardOf: (name) => this.#cardOf(name),
    });
  }

  async #take(line: string): Promise<void> {
    const partner = this.#partner;
    const intent = readChatLine(line, { partner, isKnown: (name) => this.#known.has(name) });
    switch (intent.kind) {
      case "nothing":
        return;
      case "say":
        return await this.say(intent.to === partner?.name ? partner.id : intent.to, intent.text);
      case "talk":
        return await this.talkTo(intent.to);
      case "astray":
        return this.note("to whom? @name text says it to somebody, /users shows who is there");
      case "command":
        return await this.#command(intent.name, intent.rest);
    }
  }

  async #command(word: string, rest: string): Promise<void> {
    const meant = word === "" || word === "?" ? "help" : word;
    const names = Object.keys(CHAT_COMMANDS).filter((name) => name.startsWith(`/${meant}`));
    const name = names.find((one) => one === `/${meant}`) ?? (names.length === 1 ? names[0] : undefined);
    const command = name === undefined ? undefined : CHAT_COMMANDS[name];
    if (!command) throw new WarrenError("USAGE", `there is no /${oneLine(word)}: /help lists what there is`);
    await command.run(this, rest.trim());
  }

  async #connect(registry?: string): Promise<void> {
    const online = await this.#options.connect(registry);
    const { peer, session } = online;
    this.#online = online;
    this.#me = { ...session.ready(), addresses: peer.addresses.map(formatAddress) };
    this.#wires = new Scope();
    session.onOtherReceipt = (receipt) => this.#onReceipt(receipt);
    for (const user of await peer.users()) if (!user.self) this.#known.set(user.name, user);
    this.#wires.defer(peer.on("peer:online", (other) => this.#onPresence(other, true)));
    this.#wires.defer(peer.on("peer:offline", (other) => this.#onPresence(other, false)));
    this.#wires.defer(peer.on("notice", (error) => this.#warn(error.message)));
    this.#wires.defer(peer.on("message", (message) => this.#onMessage(message, session)));
  }

  async #hangUp(): Promise<void> {
    const online = this.#online;
    this.#online = undefined;
    await this.#wires.close();
    await online?.[Symbol.asyncDispose]();
  }

  #onMessage(message: IncomingMessage, session: Session): void {
    const { from, text, at, room } = message;
    this.#known.set(from.name, from);
    this.#shown++;
    this.#screen.print(incomingText({ at, who: from.name, text, room }, this.now(), this.paint), TEXT_COLUMN);
    session.shown(messageEvent(message));
    // Whoever speaks first is answered by just typing; but never may a line that was begun go to somebody else.
    if (!this.#partner && from.kind === "person" && !this.#screen.isTyping) this.#turnTo(from);
  }

  #onPresence(other: PeerInfo, isOnline: boolean): void {
    this.#known.set(other.name, other);
    if (isOnline) this.#absent.delete(other.id);
    (isOnline ? this.#arrivals : this.#departures).add(other);
  }

  #said({ id, to }: Receipt, text: string): void {
    this.#known.set(to.name, to);
    const said = { at: this.now(), who: to.name, text };
    const block = this.#screen.print(outgoingText(said, "queued", this.now(), this.paint), TEXT_COLUMN);
    this.#blocks.set(id, block);
    if (this.#blocks.size > MAX_MARKED) for (const oldest of this.#blocks.keys().take(1)) this.#blocks.delete(oldest);
    this.#turnTo(to);
    this.#world.clock.after(PATIENCE_MS, () => this.#mayWait(id, to));
  }

  #mayWait(id: string, to: PeerInfo): void {
    if (!this.#blocks.has(id) || this.#absent.has(to.id) || this.#delivered.has(id)) return;
    this.#absent.add(to.id);
    this.note(`kept until ${oneLine(to.name)} is online`);
  }

  #onReceipt({ id, to, state, reason }: Receipt): void {
    const block = this.#blocks.get(id);
    block?.mark(MARK_COLUMN, markOf(state, this.paint));
    if (state === "delivered") {
      this.#absent.delete(to.id);
      if (block) this.#delivered.add(id);
      else this.#late.add(to);
    }
    if (state === "failed" || state === "expired")
      this.#warn(`${oneLine(to.name)} did not take it: ${reason ?? state}`);
    if (state !== "failed" && state !== "expired" && state !== "handled") return;
    this.#blocks.delete(id);
    this.#delivered.delete(id);
  }

  #turnTo(partner: PeerInfo): void {
    this.#partner = partner;
    this.#prompt();
  }

  #prompt(): void {
    if (this.#screen.isTerminal) this.#screen.prompt(promptText(this.whoAmI().name, this.partnerName, this.paint));
  }

  #cardOf(name: string): Card | undefined {
    const directory = this.#online?.peer.directory;
    for (const entry of directory?.entries() ?? []) if (entry.name === name) return entry.card;
    return undefined;
  }

  #complain(error: unknown): void {
    this.#warn(describeError(error));
  }

  #warn(text: string): void {
    this.#screen.print(`${" ".repeat(TEXT_COLUMN)}${this.paint.warn(oneLine(text))}`, TEXT_COLUMN);
  }
}
