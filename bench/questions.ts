/** Questions: all that are asked, in the order in which they are. */
import bots from "./bots.ts";
import connects from "./connects.ts";
import fanOut from "./fan-out.ts";
import fairness from "./fairness.ts";
import growth from "./growth.ts";
import idle from "./idle.ts";
import oneShot from "./one-shot.ts";
import oneWay from "./one-way.ts";
import type { Question } from "./question.ts";
import registry from "./registry.ts";
import reply from "./reply.ts";

export const questions: readonly Question[] = [
  oneWay,
  reply,
  connects,
  idle,
  registry,
  oneShot,
  bots,
  fanOut,
  growth,
  fairness,
];
