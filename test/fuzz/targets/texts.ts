/** What people, programs and bots' users type, and what is shown of it. */
import { nameFrom, formatAddress, isName, parseAddress } from "../../../src/base/ids.ts";
import { oneLine } from "../../../src/base/log.ts";
import { readArguments, type Argument } from "../../../src/bot/arguments.ts";
import { readSaidCommand } from "../../../src/bot/said-command.ts";
import { readLine } from "../../../src/bot/command-line.ts";
import { helpForCommand, usageOf } from "../../../src/bot/help.ts";
import { nearest } from "../../../src/bot/nearest.ts";
import { splitWords } from "../../../src/bot/words.ts";
import { readChatLine } from "../../../src/cli/chat-line.ts";
import { parseCommand, refOf } from "../../../src/cli/events.ts";
import { inputLines, type InputLine } from "../../../src/cli/input-lines.ts";
import { parseRegistryUrl } from "../../../src/registry/url.ts";
import { Dice } from "../random.ts";
import { magnitude, mustHold, seeRefusal, shapeOf, type Target } from "../target.ts";

const COMMANDS = [
  '{"do":"send","to":"bob","text":"hi","ref":1}\n',
  '{"do":"call","to":"dice","command":"roll","args":{"times":3},"confirmed":true,"timeout":5}\n',
  '{"do":"history","with":"bob","limit":5}\n',
  '{"do":"pin","name":"bob","id":"b"}\n',
  ...["users", "whoami", "watch", "stop"].map((word) => `{"do":"${word}","ref":{"a":[1]}}\n`),
];

/** A program's standard input, cut anywhere, is the same lines; each is a command or a USAGE. */
export const commandLines: Target = {
  name: "command-lines",
  maxBytes: 4_000,
  seeds: [COMMANDS.join(""), ...COMMANDS, "\r\n\n{}\r\n"],
  tokens: [...COMMANDS, "\r", "\n", "\r\n", '"ref"', "null"],
  async run(input, see) {
    const dice = Dice.of(input);
    const limit = dice.pick([16, 200, 2_000]);
    const read = await Array.fromAsync(inputLines(inPieces(dice.cut(input)), limit));
    const expected = linesOf(Buffer.from(input), limit);
    mustHold(JSON.stringify(read) === JSON.stringify(expected), () => "it depends on the cuts which lines are read");
    for (const line of read) {
      if (line === null) see("too long");
      else readCommand(line, see);
    }
  },
};

const ARGUMENTS: readonly Argument[][] = [
  readArguments({
    properties: {
      sides: { type: "integer", default: 6 },
      maxAge: { type: "number" },
      loud: { type: "boolean" },
      mood: { type: "string", enum: ["good", "Bad", "1"] },
      rest: { type: "string" },
    },
    required: ["sides"],
  }),
  readArguments({ properties: { on: { type: "boolean" }, to: { type: "string" } }, required: ["on", "to"] }),
  [],
];
const VALUE_TYPES = { string: "string", integer: "number", number: "number", boolean: "boolean" } as const;
const SELF = { name: "dice", kind: "bot" } as const;

/** Any line to a bot is values of the declared types, or a sentence that says what is wrong. */
export const botLines: Target = {
  name: "bot-lines",
  maxBytes: 10_000,
  seeds: ['roll 6 --max-age=1e3 --loud good "the rest" of it', "@dice, roll --no-loud 20 0.5", "!send yes 'to whom'"],
  tokens: [
    "--",
    "—loud",
    "−3",
    "“a b”",
    "'",
    '"',
    "\\",
    "=",
    "--no-",
    "--rest",
    "--max-age",
    " ",
    "\u00a0",
    "1e308",
    "@dice ",
  ],
  run(input, see) {
    const text = Buffer.from(input).toString();
    const call = readSaidCommand({ text }, SELF);
    see(call ? `call ${call.isAddressed}` : "no call");
    let end = 0;
    for (const { start } of splitWords(text)) {
      mustHold(start >= end && start < text.length, () => "words are not in order");
      end = start + 1;
    }
    for (const [n, args] of ARGUMENTS.entries()) {
      const read = readLine(call?.line ?? text, args);
      if (read.kind === "wrong") {
        mustHold(read.sentence.length < 300, () => `a sentence of ${read.sentence.length} characters`);
        see(`${n} ${shapeOf(read.sentence).replace(/ --[^]*/, " --…")}`);
        continue;
      }
      for (const [key, value] of Object.entries(read.values)) {
        const argument = args.find((one) => one.key === key);
        mustHold(argument !== undefined, () => "a value for no argument");
        if (!argument.choices)
          mustHold(typeof value === VALUE_TYPES[argument.type], () => `a ${typeof value} for ${key}`);
      }
      see(`${n} values ${Object.keys(read.values).sort().join()}`);
    }
    if (call) see(`nearest ${nearest(call.name, ["roll", "help", "send"]) ?? "none"}`);
  },
};

/** The schema of any bot's command can be explained, or it is said what cannot. */
export const cards: Target = {
  name: "cards",
  maxBytes: 6_000,
  seeds: [
    '{"properties":{"sides":{"type":"integer","minimum":2,"maximum":100,"default":6},"loud":{"type":"boolean"}}}',
    '{"properties":{"mood":{"enum":["a",1,true],"type":"string","description":"how"},"x":{"const":1,"type":"number"}},"required":["mood"]}',
  ],
  tokens: [
    '"type":"string"',
    '"enum":[]',
    '"default":{}',
    '"required":["x"]',
    '"properties"',
    '"description"',
    '"const":null',
  ],
  run(input, see) {
    let args: unknown;
    try {
      args = JSON.parse(Buffer.from(input).toString());
    } catch {
      return see("no JSON");
    }
    if (typeof args !== "object" || args === null || Array.isArray(args)) return see("no object");
    try {
      const described = { name: "roll", about: "rolls", args: { ...args } };
      see(`usage of ${magnitude(usageOf(described).length)}, help of ${magnitude(helpForCommand(described).length)}`);
    } catch (error) {
      seeRefusal(error, ["PLUGIN_INVALID"], (sight) =>
        see(sight.replace(/args\.[^]*(: |$)|of type [^]*|types[^]*| cannot[^]*/g, "…")),
      );
    }
  },
};

/** Whatever is typed as an address, a name or a line of chat is understood or not, and nothing that is shown drives a terminal. */
export const typed: Target = {
  name: "typed",
  maxBytes: 4_000,
  seeds: [
    "127.0.0.1:9278",
    "[fe80::1%eth0]:9278",
    "bob: hello",
    "@ann, hi",
    "/users now",
    "http://host:9277",
    "Ann Müller",
  ],
  tokens: ["[::1]", ":65535", "//", "@", "https://", "\u001b[2J", "\u009b", "\u202e", "%", "?", "a".repeat(33)],
  run(input, see) {
    const text = Buffer.from(input).toString();
    const shown = oneLine(text);
    // oxlint-disable-next-line no-control-regex -- they are what this is about
    mustHold(!/[\u0000-\u001f\u007f-\u009f]/.test(shown), () => "a control character is shown");
    const address = parseAddress(text);
    if (address) {
      see(`address ${address.host.includes(":") ? "of numbers" : "with a name"}`);
      mustHold(
        formatAddress(address) === text.replace(/:0+(?=\d)/, ":") || text.startsWith("["),
        () => "another address",
      );
    }
    const name = nameFrom(text);
    mustHold(name === undefined || isName(name), () => "a name that is none");
    for (const partner of [undefined, { name: "dice", kind: "bot" } as const]) {
      const intent = readChatLine(text, { partner, isKnown: (word) => word === "bob" });
      see(`${partner ? "with" : "without"} a partner: ${intent.kind}`);
    }
    try {
      see(`url ${new URL(parseRegistryUrl(text)).protocol}`);
    } catch (error) {
      seeRefusal(error, ["USAGE"], see);
    }
  },
};

function readCommand(line: string, see: (sight: string) => void): void {
  refOf(line);
  try {
    const command = parseCommand(line);
    see(`${command.do}${"ref" in command ? " with a ref" : ""}`);
    mustHold(Object.values(command).length <= 7, () => "a command with something that was not asked for");
  } catch (error) {
    seeRefusal(error, ["USAGE"], (sight) => see(sight.replace(/ is .*/, "").slice(0, 40)));
  }
}

/** The lines as `inputLines` promises them, found in another way. */
function linesOf(input: Buffer, limit: number): InputLine[] {
  const lines: InputLine[] = [];
  for (let start = 0; start <= input.byteLength;) {
    const feed = input.indexOf(10, start);
    const end = feed === -1 ? input.byteLength : feed;
    const line = new TextDecoder().decode(input.subarray(start, end)).replace(/\r$/, "");
    if (end - start > limit) lines.push(null);
    else if (line !== "") lines.push(line);
    start = end + 1;
  }
  return lines;
}

// oxlint-disable-next-line require-await -- a stream is asynchronous
async function* inPieces(pieces: Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* pieces;
}
