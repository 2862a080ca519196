import { expect, test } from "bun:test";
import { createLog } from "../../src/base/log.ts";
import type { PeerInfo } from "../../src/base/ids.ts";
import { Loops, MAX_HOPS, MAX_PER_MINUTE } from "../../src/bot/loops.ts";
import type { IncomingMessage } from "../../src/peer/message.ts";
import { ManualClock } from "../../src/testing/manual-clock.ts";
import { ann, somebody } from "./fake-peer.ts";

const robot = somebody("robot", "bot");

function loops() {
  const clock = new ManualClock();
  const logged: string[] = [];
  const log = createLog("dice", (level, source, text) => void logged.push(`${level} ${source}: ${text}`));
  const subject = new Loops(somebody("dice", "bot"), clock, log);
  const count = (times: number, cause: IncomingMessage | undefined, to: string): number =>
    Array.from({ length: times }, () => subject.admits(cause, to)).filter(Boolean).length;
  return { clock, logged, count };
}

function message(from: PeerInfo, hops = 1, attempt = 1): IncomingMessage {
  return { id: "m", from, text: "hi", at: 0, hops, attempt, signal: new AbortController().signal, reply };
}

test("a bot is told so much a minute because of itself; then nothing until the minute is over, and the log says so once", async () => {
  const { clock, logged, count } = loops();
  expect(count(MAX_PER_MINUTE + 5, message(robot), robot.id)).toBe(MAX_PER_MINUTE);
  await clock.advance(59_999);
  expect(count(5, message(robot), robot.name)).toBe(0);
  expect(logged).toEqual([
    "warn dice: robot has been told 30 things within a minute because of what it said: no more is said to it until the minute is over",
  ]);
  await clock.advance(1);
  expect(count(5, message(robot), robot.id)).toBe(5);
});

test("what people cause, what nothing causes and what is for others is never counted", () => {
  const { logged, count } = loops();
  const many = 2 * MAX_PER_MINUTE;
  expect(count(many, message(ann, 0), ann.id)).toBe(many);
  expect(count(many, message(ann, 0), robot.id)).toBe(many);
  expect(count(many, undefined, robot.id)).toBe(many);
  expect(count(many, message(robot), ann.id)).toBe(many);
  expect(count(many, message(somebody("other", "bot")), robot.id)).toBe(many);
  expect(logged).toEqual([]);
});

test("one bot's minute is not another's, and what is done again after a failure is not counted again", () => {
  const { count } = loops();
  const other = somebody("other", "bot");
  expect(count(MAX_PER_MINUTE, message(robot), robot.id)).toBe(MAX_PER_MINUTE);
  expect(count(MAX_PER_MINUTE, message(robot, 1, 2), robot.id)).toBe(MAX_PER_MINUTE);
  expect(count(1, message(robot), robot.id)).toBe(0);
  expect(count(1, message(other), other.id)).toBe(1);
});

test("a chain of bots' messages ends after so many", () => {
  const { count } = loops();
  expect(count(1, message(robot, MAX_HOPS - 1), robot.id)).toBe(1);
  expect(count(1, message(robot, MAX_HOPS), robot.id)).toBe(0);
  expect(count(1, message(robot, MAX_HOPS), ann.id)).toBe(0);
});

function reply(): Promise<never> {
  return Promise.reject(new Error("not asked for"));
}
