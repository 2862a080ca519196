/** Calls of programs, and what answers ours. */
import { z } from "zod";
import { callLine } from "../../../src/bot/call-line.ts";
import { Commands } from "../../../src/bot/commands.ts";
import type { BotMessage } from "../../../src/bot/plugin.ts";
import { duration } from "../../../src/bot/special-arguments.ts";
import { isAnswer, readAnswer, readRequest } from "../../../src/peer/call-data.ts";
import { isData } from "../../../src/wire/data.ts";
import { ann, commandsHost, somebody } from "../../bot/fake-peer.ts";
import { magnitude, mustHold, shapeOf, type Target } from "../target.ts";

const MESSAGE: BotMessage = {
  id: "m.1",
  from: ann,
  text: "",
  at: 0,
  hops: 0,
  attempt: 1,
  signal: new AbortController().signal,
  reply: () => Promise.resolve(undefined),
};

const COMMANDS = new Commands(somebody("clerk", "bot"), "files things", commandsHost());
COMMANDS.add("file away", {
  about: "file",
  args: z.object({
    name: z.string().max(20),
    copies: z.number().int().min(1).default(1),
    mood: z.enum(["good", "bad"]).optional(),
    isRed: z.boolean().optional(),
    wait: duration().optional(),
  }),
  confirm: "sure?",
  run: ({ args: { name, copies } }) => {
    mustHold(Number.isSafeInteger(copies) && Number(copies) >= 1, () => "a wrong number of copies");
    mustHold(typeof name === "string" && name.length <= 20, () => "a wrong name");
  },
});

const CALLS = [
  { call: { command: "file away", args: { name: "a", copies: 2, isRed: true }, confirmed: true } },
  { call: { command: "file", args: { name: "a", mood: "good", wait: "10s" } } },
  { call: { command: "help", args: { command: "file" } } },
  { result: { sum: 9 } },
  { error: { code: "COMMAND_DENIED", message: "no" } },
].map((data) => JSON.stringify(data));

/** Whatever data says, it is no call, or the command is done with values of its types, or is refused in a sentence. */
export const calls: Target = {
  name: "calls",
  maxBytes: 4_000,
  seeds: CALLS,
  tokens: [
    '"confirmed":true',
    '"args":{',
    '"command":"',
    "file away",
    '"copies":',
    '"wait":"2h"',
    '"mood":',
    "null",
    "1e400",
  ],
  async run(input, see) {
    let data: unknown;
    try {
      data = JSON.parse(Buffer.from(input).toString());
    } catch {
      return see("no JSON");
    }
    if (!isData(data)) return see("no data");
    if (isAnswer({ re: "m.1", data })) see(`an answer with ${Object.keys(readAnswer(data)).join()}`);
    const request = readRequest(data);
    if (!request) return see("no call");
    see(`a line of ${magnitude(callLine(request.command, request.args).length)}`);
    const answer = await COMMANDS.answer(MESSAGE, request);
    if ("result" in answer) return see(`done with ${Object.keys(request.args).length} arguments`);
    const { code, message } = answer.error;
    mustHold(message !== "" && message.length < 400, () => `a sentence of ${message.length} characters`);
    see(`${code} ${shapeOf(message)}`);
  },
};
