/** The running peer for programs: commands on standard input, events on standard output, one JSON object a line. */
import { WarrenError } from "../base/errors.ts";
import type { Peer } from "../peer/peer.ts";
import {
  draftEvent,
  errorEvent,
  MAX_COMMAND_BYTES,
  messageEvent,
  parseCommand,
  receiptEvent,
  refOf,
  type Emit,
} from "./events.ts";
import { inputLines } from "./input-lines.ts";
import type { Notices } from "./notices.ts";
import type { Session } from "./session.ts";

export interface JsonModeOptions {
  peer: Peer;
  session: Session;
  notices: Notices;
  input: AsyncIterable<Uint8Array>;
  emit: Emit;
  /** Aborted when the peer is to stop: by a signal or by a command of any asker. */
  stopped: AbortSignal;
  /** How long, in ms, messages may still go out after the end of the input. */
  timeoutMs: number;
}

/** Runs until it is stopped, or until the input has ended and everything is delivered or the time for that is over. */
export async function jsonMode(options: JsonModeOptions): Promise<void> {
  const { peer, session, notices, input, emit, stopped, timeoutMs } = options;
  emit({ event: "ready", ...session.ready() });
  session.onOtherReceipt = (receipt) => emit(receiptEvent(receipt));
  peer.on("peer:online", (other) => emit({ event: "presence", peer: other, online: true }));
  peer.on("peer:offline", (other) => emit({ event: "presence", peer: other, online: false }));
  peer.on("draft", (draft) => emit(draftEvent(draft)));
  notices.listen((notice) => emit(errorEvent(notice)));
  peer.on("message", (message) => {
    const event = messageEvent(message);
    emit(event);
    session.shown(event);
  });
  const over = new Promise<void>((resolve) => stopped.addEventListener("abort", () => resolve(), { once: true }));
  await Promise.race([over, takeCommands(session, input, emit, stopped).then(() => peer.flush(timeoutMs))]);
}

/** Commands begin in the order of their lines: each when the one before it has had its first event. */
async function takeCommands(
  session: Session,
  input: AsyncIterable<Uint8Array>,
  emit: Emit,
  stopped: AbortSignal,
): Promise<void> {
  const calls = new Set<Promise<void>>();
  for await (const line of inputLines(input, MAX_COMMAND_BYTES)) {
    try {
      if (line === null) throw new WarrenError("USAGE", `a line of over ${MAX_COMMAND_BYTES} bytes`);
      const command = parseCommand(line);
      await new Promise<void>((begun) => {
        const first: Emit = (event) => {
          emit(event);
          begun();
        };
        const performed = session.perform(command, first, stopped).finally(begun);
        if (command.do !== "call") return;
        calls.add(performed);
        void performed.finally(() => calls.delete(performed));
      });
    } catch (error) {
      emit({ ...errorEvent(error), ...refOf(line ?? "") });
    }
  }
  await Promise.all(calls); // whoever has said all that it wanted still waits for the answers
}
