/** Commands: those of one bot, the help that every bot has, and who of them a message is for. */
import { z } from "zod";
import type { Card } from "../base/card.ts";
import { WarrenError } from "../base/errors.ts";
import type { PeerInfo } from "../base/ids.ts";
import type { CallAnswer, CallRequest } from "../peer/call-data.ts";
import type { Table } from "../peer/tables.ts";
import { readSaidCommand, type SaidCommand } from "./said-command.ts";
import { Command, type CommandHost, MAX_WORDS } from "./command.ts";
import { Confirmations } from "./confirmations.ts";
import { type Described, helpForAll, helpForCommand, helpInOneLine } from "./help.ts";
import { nearest } from "./nearest.ts";
import type { Next } from "./onion.ts";
import type { BotMessage, CommandOptions, End } from "./plugin.ts";
import { note } from "./trace.ts";

const HELP_ARGUMENTS = z.object({ command: z.string().describe("the one to explain").optional() });

/** What the commands need of their bot. */
export interface CommandsHost extends Omit<CommandHost, "confirmations"> {
  store<Value>(name: string): Table<Value>;
}

/** A command, and what is left of the line behind its name. */
interface Found {
  readonly command: Command;
  readonly line: string;
}

export class Commands {
  readonly #self: PeerInfo;
  readonly #about: string;
  readonly #host: CommandHost;
  readonly #own = new Map<string, Command>(); // by name
  readonly #known = new Map<string, Command>(); // by name and by every other name
  readonly #help: Command;
  #mostWords = 1; // of any name
  #isAnyAsking = false;

  constructor(self: PeerInfo, about: string, host: CommandsHost) {
    this.#self = self;
    this.#about = about;
    const { clock, lookUp } = host;
    this.#host = {
      clock,
      lookUp,
      within: (work, act) => host.within(work, act),
      group: (name) => host.group(name),
      failed: (where, error) => host.failed(where, error),
      confirmations: new Confirmations(host.store("warren:confirmations"), clock),
    };
    this.#help = new Command("help", this.#helpOptions(), this.#host);
  }

  /** What is published: the help that every bot has is not told again. */
  get card(): Card {
    return { about: this.#about, commands: [...this.#own.values()].map((command) => command.card) };
  }

  /** @throws {WarrenError} `PLUGIN_INVALID` */
  add(name: string, options: CommandOptions<z.ZodObject>): End {
    const command = new Command(name, options, this.#host);
    const names = [name, ...command.aliases];
    const taken = names.find((one, index) => this.#known.has(one) || names.indexOf(one) !== index);
    if (taken !== undefined) throw new WarrenError("PLUGIN_INVALID", `command "${taken}" is there twice`);
    this.#own.set(name, command);
    for (const one of names) this.#known.set(one, command);
    this.#changed();
    return () => {
      if (this.#own.get(name) !== command) return;
      this.#own.delete(name);
      for (const one of names) this.#known.delete(one);
      this.#changed();
    };
  }

  /** What is looked at with every message is found out here. */
  #changed(): void {
    this.#mostWords = Math.max(1, ...[...this.#known.keys()].map((name) => name.split(" ").length));
    this.#isAnyAsking = [...this.#own.values()].some((command) => command.needsYes);
  }

  /** Runs the command that the message calls, or confirms; what calls none goes on. */
  take(message: BotMessage, next: Next): Promise<void> {
    return this.#isAnyAsking ? this.#takeAnswer(message, next) : this.#takeCall(message, next);
  }

  /** Whether there is one of this name. */
  has(name: string): boolean {
    return this.#named(plainName(name)) !== undefined;
  }

  /** Runs the command that a program calls. Throws what the author's functions throw. */
  async answer(message: BotMessage, request: CallRequest): Promise<CallAnswer> {
    const name = plainName(request.command);
    const command = this.#named(name);
    if (command) {
      note(`a call of "${command.card.name}"`);
      return await command.answer(message, request);
    }
    note(`a call of "${name}", which there is not`);
    const [first = ""] = name.split(" ");
    const guess = this.#guess({ name: first, line: name.slice(first.length), isAddressed: true });
    const way = guess === undefined ? ` (commands: ${this.#names()})` : `; did you mean "${guess}"?`;
    return { error: { code: "COMMAND_UNKNOWN", message: `there is no command "${name}"${way}` } };
  }

  /** What to say to a person whose message nothing took; undefined where it was not said to this bot. */
  lastWord(message: BotMessage): { readonly text: string; readonly isGuess: boolean } | undefined {
    const said = readSaidCommand(message, this.#self);
    if (!said?.isAddressed) return undefined;
    const guess = this.#guess(said);
    return { text: helpInOneLine(this.#about, this.#described(), guess), isGuess: guess !== undefined };
  }

  async #takeAnswer(message: BotMessage, next: Next): Promise<void> {
    const answer = await this.#host.confirmations.read(message);
    if (answer.kind === "none") return await this.#takeCall(message, next);
    const { command: name, values } = answer.question;
    const command = this.#own.get(name);
    note(`the answer to whether "${name}" is to be done: ${answer.kind}`);
    if (answer.kind === "yes" && command) await command.runConfirmed(message, values);
    else await message.reply(`${answer.kind === "late" ? "too late" : "cancelled"}: "${name}" was not done`);
  }

  #takeCall(message: BotMessage, next: Next): Promise<void> {
    const said = readSaidCommand(message, this.#self);
    const found = said && this.#find(said);
    if (found) {
      note(`"${found.command.card.name}"`);
      return found.command.run(message, found.line);
    }
    note(said ? `none is called "${said.name}"` : "not a command: in a room it is !name or @bot name");
    return next();
  }

  #helpOptions(): CommandOptions<typeof HELP_ARGUMENTS> {
    return {
      about: "what this bot can do",
      args: HELP_ARGUMENTS,
      run: async ({ args, reply }) => {
        const name = plainName(args.command ?? "");
        const wanted = this.#named(name);
        const family = this.#described().filter((one) => one === wanted?.described || one.name.startsWith(`${name} `));
        const [only] = family;
        if (only && family.length === 1) await reply(helpForCommand(only));
        else await reply(helpForAll(this.#about, family.length > 0 ? family : this.#described()));
      },
    };
  }

  /** The command with the longest name that was said. */
  #find(said: SaidCommand): Found | undefined {
    let found: Found | undefined;
    for (const { name, line } of beginnings(said, this.#mostWords)) {
      const command = this.#named(name);
      if (command) found = { command, line };
    }
    return found;
  }

  /** What may have been meant: a name like the words that were typed, or one that begins with them. */
  #guess(said: SaidCommand): string | undefined {
    const names = [...this.#known.keys(), "help"];
    const typed = beginnings(said, MAX_WORDS).map(({ name }) => name);
    for (const [index, words] of [...typed.entries()].toReversed()) {
      const asLong = names.filter((name) => name.split(" ").length === index + 1);
      const guess = nearest(words, asLong) ?? names.find((name) => name.startsWith(`${words} `));
      if (guess !== undefined) return guess;
    }
    return undefined;
  }

  #names(): string {
    return this.#described()
      .map(({ name }) => name)
      .join(", ");
  }

  #named(name: string): Command | undefined {
    return this.#known.get(name) ?? (name === "help" ? this.#help : undefined);
  }

  #described(): Described[] {
    const own = [...this.#own.values()].map((command) => command.described);
    return this.#known.has("help") ? own : [...own, this.#help.described];
  }
}

function plainName(name: string): string {
  return name.trim().replace(/^!/, "").toLowerCase().replace(/\s+/g, " ");
}

/** The first word of what was said, the first two and so on, up to `most`; each with what is left of the line. */
function beginnings({ name, line }: SaidCommand, most: number): { name: string; line: string }[] {
  const found = [{ name, line }];
  for (let last = found[0]; last && found.length < most; last = found.at(-1)) {
    const next = /^\s+(\S+)/.exec(last.line);
    if (!next) break;
    found.push({ name: `${last.name} ${next[1]?.toLowerCase()}`, line: last.line.slice(next[0].length) });
  }
  return found;
}
