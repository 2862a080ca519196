import { expect, test } from "bun:test";
import { botMessage } from "../../src/bot/bot-message.ts";
import { ann } from "./fake-peer.ts";

const ended = (): AbortSignal => AbortSignal.abort();
const reply = async (): Promise<undefined> => {};
const heard = { id: "m.1", from: ann, text: "hi", at: 1, hops: 0, attempt: 1 };

test("its signal is made when somebody asks for it, and once", () => {
  const made: AbortSignal[] = [];
  const message = botMessage(
    heard,
    () => {
      const { signal } = new AbortController();
      made.push(signal);
      return signal;
    },
    reply,
  );
  expect(made).toEqual([]);
  const copied = { ...message };
  expect(copied.signal).toBe(message.signal);
  expect(made).toHaveLength(1);
});

test("what a message does not say has no key", () => {
  expect(Object.keys(botMessage(heard, ended, reply))).toEqual([...Object.keys(heard), "signal", "reply"]);
  const more = { room: "lobby", re: "m.0", data: { result: 1 } };
  expect(botMessage({ ...heard, ...more }, ended, reply)).toMatchObject(more);
});
