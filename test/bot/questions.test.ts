import { expect, test } from "bun:test";
import { type Question, Questions } from "../../src/bot/questions.ts";

const question: Question = {
  text: "why?",
  isOpen: true,
  read: async (value) => await Promise.resolve({ kind: "value", value }),
  answer: () => {},
  admitWrong: () => true,
};

test("who comes before the question waits for it", async () => {
  const questions = new Questions();
  const waiting = [questions.next(), questions.next()];
  questions.open = question;
  expect(await Promise.all([...waiting, questions.next()])).toEqual([question, question, question]);
});

test("a question that is answered before the one who waited comes to it is not theirs", async () => {
  const questions = new Questions();
  let given: Question | undefined;
  void questions.next().then((next) => (given = next));
  questions.open = question;
  questions.open = undefined;
  await Promise.resolve();
  await Promise.resolve();
  expect(given).toBeUndefined();
});

test("at the end nobody waits any more, and none is given the last question", async () => {
  const questions = new Questions();
  questions.open = question;
  questions.open = undefined;
  const waiting = questions.next();
  questions.end();
  expect([await waiting, await questions.next()]).toEqual([undefined, undefined]);
});

test("who waits can be given an error, and there need be nobody", async () => {
  const questions = new Questions();
  const waiting = questions.next().catch((error: unknown) => error);
  questions.fail("over");
  expect(await waiting).toBe("over");
  new Questions().fail("over");
});
