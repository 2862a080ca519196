/** The running peer, with the face for programs or the one for people. */
import { createLog, LOG_LEVELS, oneLine, stderrSink, type LogSink } from "../base/log.ts";
import { systemWorld } from "../base/world.ts";
import { House, type HouseOptions } from "./house.ts";
import { leaveQuietlyIfNobodyReads, printJson } from "./output.ts";
import { EXIT } from "./program.ts";
import { chooseIdentity } from "./start.ts";

export interface RunOptions extends Omit<HouseOptions, "log"> {
  /** How long messages may still go out after the end of an input that is no terminal. */
  readonly timeoutMs: number;
}

/** Events on standard output, commands on standard input. */
export async function runJson(options: RunOptions): Promise<void> {
  const { jsonMode } = await import("./json-mode.ts");
  const log = createLog("warren", stderrSink(options.debug ? "debug" : "warn"));
  await using house = new House({ ...options, log });
  const choice = await chooseIdentity(house.start);
  await house.moveIn();
  await using online = await house.open(choice);
  const { timeoutMs } = options;
  await jsonMode({ ...online, input: Bun.stdin.stream(), emit: printJson, stopped: house.stopped, timeoutMs });
}

/** A chat, on a terminal or with plain lines. */
export async function runChat(options: RunOptions): Promise<void> {
  const { Screen } = await import("./screen.ts");
  const { Chat } = await import("./chat.ts");
  const { createPaint, wantsColour } = await import("./paint.ts");
  const paint = createPaint(wantsColour(process.stdout));
  const { stdin: input, stdout: output } = process;
  output.on("error", (error) => {
    leaveQuietlyIfNobodyReads(error);
    if (!output.isTTY) throw error; // of a terminal that is gone we are told by SIGHUP, and end in order
  });
  await using _ = { [Symbol.asyncDispose]: () => taken(output) };
  const chats: InstanceType<typeof Chat>[] = []; // the one, once it is there
  using screen = new Screen({ input, output, complete: (line) => chats[0]?.complete(line) ?? [[], line] });
  const least = options.debug ? "debug" : "warn";
  const onScreen: LogSink = (level, source, text) => {
    const isHeard = LOG_LEVELS.indexOf(level) >= LOG_LEVELS.indexOf(least);
    if (isHeard) screen.print(`  ${paint.dim(oneLine(`${source}: ${text}`))}`, 4);
  };
  const log = createLog("warren", screen.isTerminal ? onScreen : stderrSink(least));
  await using house = new House({ ...options, log });
  house.stopped.addEventListener("abort", () => screen.endQuestion());
  let asker = screen.isTerminal ? screen : undefined;
  let choice = await chooseIdentity(house.start, asker);
  await house.moveIn();
  await using chat = new Chat({
    screen,
    paint,
    world: systemWorld,
    async connect(registry) {
      // Whoever names a registry by hand means the one that is there now.
      const elsewhere = registry === undefined ? {} : { registry, acceptNewRegistry: true };
      const online = await house.open(choice, asker, elsewhere);
      asker = undefined; // from now on lines are chat
      choice = online.choice; // its user may have taken another name
      return online;
    },
    isOwnRegistry: () => house.isOwnRegistry,
    onQuit() {
      if (!house.isStopping) return house.stop();
      screen[Symbol.dispose](); // or the shell's prompt would stand behind ours
      process.exit(EXIT.failed); // asked again: now
    },
    async onEndOfInput(peer) {
      await peer?.flush(options.timeoutMs);
      house.stop();
    },
  });
  chats.push(chat);
  await chat.start();
  await house.untilStopped();
  chat.goodbye();
}

/** Exit drops what a slow pipe has not taken. A terminal takes all at once, and one that is gone would never answer. */
function taken(output: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    if (output.isTTY) resolve();
    else output.end(() => resolve());
  });
}
