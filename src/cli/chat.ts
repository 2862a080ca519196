/** The chat: a peer at a terminal. */
import { describeError, WarrenError } from "../base/errors.ts";
import { formatAddress, type PeerInfo } from "../base/ids.ts";
import { oneLine } from "../base/log.ts";
import { Scope } from "../base/scope.ts";
import type { World } from "../base/world.ts";
import type { IncomingMessage } from "../peer/message.ts";
import type { Peer } from "../peer/peer.ts";
import { parseRegistryUrls } from "../registry/url.ts";
import { Attendance } from "./attendance.ts";
import { CHAT_COMMANDS, type ChatActions } from "./chat-commands.ts";
import { readChatLine } from "./chat-line.ts";
import {
  cardText,
  incomingText,
  noteText,
  promptText,
  registryText,
  TEXT_COLUMN,
  WELCOME_COLUMN,
  welcomeLines,
} from "./chat-text.ts";
import { complete } from "./completion.ts";
import { Deliveries } from "./deliveries.ts";
import { messageEvent, receiptEvent, type Ready, type ReceiptEvent } from "./events.ts";
import { Growing } from "./growing.ts";
import type { Online } from "./house.ts";
import { KnownCards } from "./known-cards.ts";
import type { Paint } from "./paint.ts";
import type { WhoAmI } from "./present.ts";
import type { Screen } from "./screen.ts";
import type { Session } from "./session.ts";

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
  readonly #attendance: Attendance;
  readonly #deliveries: Deliveries;
  readonly #growing: Growing;
  #online: Online | undefined;
  #me: (Ready & { readonly addresses: readonly string[] }) | undefined;
  #wires = new Scope();
  #partner: PeerInfo | undefined;
  #isRegistrySilent = false; // and it was said so
  #turn = Promise.resolve(); // lines are done one after another
  #shown = 0;
  readonly #cards = new KnownCards(() => this.#online?.peer);

  constructor(options: ChatOptions) {
    const { screen, paint, world } = options;
    this.#options = options;
    this.paint = paint;
    this.#screen = screen;
    this.#world = world;
    const note = (text: string): void => this.note(text);
    const warn = (text: string): void => this.#warn(text);
    this.#attendance = new Attendance(world.clock, note);
    this.#deliveries = new Deliveries({ screen, paint, clock: world.clock, note, warn });
    this.#growing = new Growing({ screen, paint, clock: world.clock });
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
    const welcome = {
      ...this.whoAmI(),
      isOwnRegistry: this.#options.isOwnRegistry(),
      isRegistered: this.#isRegistered(),
      present: this.#attendance.presentNames,
    };
    this.#screen.print(welcomeLines(welcome, this.paint), WELCOME_COLUMN);
    this.#prompt();
    this.#listen();
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
    this.#attendance[Symbol.dispose]();
    this.#deliveries[Symbol.dispose]();
    this.#growing[Symbol.dispose]();
    await this.#hangUp();
  }

  now(): number {
    return this.#world.clock.now();
  }

  peer(): Peer {
    if (this.#online) return this.#online.peer;
    throw new WarrenError("CLOSED", "you are offline: /register brings you back");
  }

  whoAmI(): WhoAmI {
    if (!this.#me) throw new WarrenError("CLOSED", "you were not online yet");
    const directory = this.#online?.peer.directory;
    const { reachable = "unknown", url: registry = this.#me.registry } = directory ?? {};
    return { event: "whoami", ...this.#me, registry, online: this.#online !== undefined, reachable };
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
          else this.#deliveries.reached(event);
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
    const name = this.partnerName ?? "";
    const card = await this.#cards.get(name);
    this.note(card && card.about !== "" ? cardText(card, this.paint) : `what you type goes to ${oneLine(name)}`);
  }

  async register(registry: string): Promise<void> {
    const url = registry === "" || registry === "none" ? registry || undefined : parseRegistryUrls(registry).join();
    await this.#hangUp();
    await this.#connect(url);
    const { addresses } = this.whoAmI();
    const where = `online at ${addresses[0] ?? "no address"}, ${registryText(this.whoAmI().registry, this.#isRegistered())}`;
    const names = this.#attendance.presentNames.map(oneLine).join(", ");
    this.note(names === "" ? where : `${where}, with ${names}`);
    this.#listen();
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
      names: this.#attendance.names,
      partner: this.partnerName,
      cardOf: (name) => this.#cards.now(name),
    });
  }

  async #take(line: string): Promise<void> {
    const partner = this.#partner;
    const intent = readChatLine(line, { partner, isKnown: (name) => this.#attendance.has(name) });
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
    const { peer, session, registered } = online;
    this.#online = online;
    this.#cards.clear();
    this.#me = { ...session.ready(), addresses: peer.addresses.map(formatAddress) };
    this.#wires = new Scope();
    session.onOtherReceipt = (receipt) => this.#deliveries.reached(receiptEvent(receipt));
    await registered; // so that who is there is told in one line
    this.#attendance.begin(await peer.users());
  }

  /** What happens from now on is told below what is on the screen already. */
  #listen(): void {
    if (!this.#online) return;
    const { peer, session, notices } = this.#online;
    this.#isRegistrySilent = false;
    notices.listen((notice) => {
      this.#isRegistrySilent ||= notice.code === "REGISTRY_UNREACHABLE";
      this.#warn(notice.message);
      if (notice.code !== "NAME_TRANSFERRED") return;
      this.#partner = undefined; // the name may mean another key now, and a line must not go to the one before
      this.#prompt();
    });
    const answered = peer.directory?.on("connected", () => this.#onRegistryBack());
    if (answered) this.#wires.defer(answered);
    this.#wires.defer(peer.on("peer:online", (other) => this.#cameOnline(other)));
    this.#wires.defer(peer.on("peer:offline", (other) => this.#attendance.changed(other, false)));
    this.#wires.defer(peer.on("message", (message) => this.#onMessage(message, session)));
    this.#wires.defer(() => this.#growing.clear());
    this.#wires.defer(peer.on("draft", (draft) => this.#growing.grown(draft)));
  }

  async #hangUp(): Promise<void> {
    const online = this.#online;
    this.#online = undefined;
    await this.#wires.close();
    await online?.[Symbol.asyncDispose]();
  }

  #onMessage(message: IncomingMessage, session: Session): void {
    const { id, from, text, at, room } = message;
    this.#attendance.seen(from);
    this.#shown++;
    this.#screen.atOnce(() => {
      this.#growing.said(from.id, id);
      this.#screen.print(incomingText({ at, who: from.name, text, room }, this.now(), this.paint), TEXT_COLUMN);
    });
    session.shown(messageEvent(message));
    // Whoever speaks first is answered by just typing; but never may a line that was begun go to somebody else.
    if (!this.#partner && from.kind === "person" && !this.#screen.isTyping) this.#turnTo(from);
  }

  #onRegistryBack(): void {
    if (this.#isRegistrySilent) this.note("the registry answers again");
    this.#isRegistrySilent = false;
  }

  #cameOnline(other: PeerInfo): void {
    this.#deliveries.isBack(other);
    this.#attendance.changed(other, true);
  }

  #said(receipt: ReceiptEvent, text: string): void {
    this.#attendance.seen(receipt.to);
    this.#deliveries.said(receipt, text);
    this.#turnTo(receipt.to);
  }

  #turnTo(partner: PeerInfo): void {
    this.#partner = partner;
    this.#prompt();
  }

  #prompt(): void {
    if (this.#screen.isTerminal) this.#screen.prompt(promptText(this.whoAmI().name, this.partnerName, this.paint));
  }

  #isRegistered(): boolean {
    return this.#online?.peer.directory?.isConnected === true;
  }

  #complain(error: unknown): void {
    this.#warn(describeError(error));
  }

  #warn(text: string): void {
    this.#screen.print(`${" ".repeat(TEXT_COLUMN)}${this.paint.warn(oneLine(text))}`, TEXT_COLUMN);
  }
}
