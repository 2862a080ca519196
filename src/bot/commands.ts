/** Commands: those of one bot, the help that every bot has, and who of them a message is for. */
import { z } from "zod";
import type { Card } from "../base/card.ts";
import { WarrenError } from "../base/errors.ts";
import type { PeerInfo } from "../base/ids.ts";
import type { Clock } from "../base/world.ts";
import { readCall } from "./call.ts";
import { Command } from "./command.ts";
import { helpForAll, helpForCommand, helpInOneLine } from "./help.ts";
import { nearest } from "./nearest.ts";
import type { Next } from "./onion.ts";
import type { BotMessage, CommandOptions, End } from "./plugin.ts";

const HELP_ARGUMENTS = z.object({ command: z.string().describe("the one to explain").optional() });

export class Commands {
  readonly #self: PeerInfo;
  readonly #about: string;
  readonly #clock: Clock;
  readonly #own = new Map<string, Command>();
  readonly #help: Command;

  constructor(self: PeerInfo, about: string, clock: Clock) {
    this.#self = self;
    this.#about = about;
    this.#clock = clock;
    this.#help = new Command("help", this.#helpOptions(), clock);
  }

  /** What is published: the help that every bot has is not told again. */
  get card(): Card {
    return { about: this.#about, commands: [...this.#own.values()].map((command) => command.card) };
  }

  /** @throws {WarrenError} `PLUGIN_INVALID` */
  add(name: string, options: CommandOptions<z.ZodObject>): End {
    if (this.#own.has(name)) throw new WarrenError("PLUGIN_INVALID", `command "${name}" is there twice`);
    const command = new Command(name, options, this.#clock);
    this.#own.set(name, command);
    return () => void (this.#own.get(name) === command && this.#own.delete(name));
  }

  /** Runs the command that the message calls; what calls none goes on. */
  async take(message: BotMessage, next: Next): Promise<void> {
    const call = readCall(message, this.#self);
    const command = call && this.#find(call.name);
    if (command) await command.run(message, call.line);
    else await next();
  }

  /** What to say to a person whose message nothing took; undefined where it was not said to this bot. */
  lastWord(message: BotMessage): string | undefined {
    const call = readCall(message, this.#self);
    if (!call?.isAddressed) return undefined;
    const cards = this.#cards();
    return helpInOneLine(
      this.#about,
      cards,
      nearest(
        call.name,
        cards.map((card) => card.name),
      ),
    );
  }

  #helpOptions(): CommandOptions<typeof HELP_ARGUMENTS> {
    return {
      about: "what this bot can do",
      args: HELP_ARGUMENTS,
      run: async ({ args, reply }) => {
        const command = this.#find(args.command?.replace(/^!/, "").toLowerCase() ?? "");
        await reply(command ? helpForCommand(command.card) : helpForAll(this.#about, this.#cards()));
      },
    };
  }

  #find(name: string): Command | undefined {
    return this.#own.get(name) ?? (name === "help" ? this.#help : undefined);
  }

  #cards(): Card["commands"] {
    return this.#own.has("help") ? this.card.commands : [...this.card.commands, this.#help.card];
  }
}
