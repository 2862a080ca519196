/** Questions: all that are asked, in the order in which they are. */
import oneWay from "./one-way.ts";
import type { Question } from "./question.ts";
import reply from "./reply.ts";

export const questions: readonly Question[] = [oneWay, reply];
