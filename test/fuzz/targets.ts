/** Every target, in the order in which they are run. */
import type { Target } from "./target.ts";
import { calls } from "./targets/calls.ts";
import { conversation } from "./targets/conversation.ts";
import { frames, lines } from "./targets/lines.ts";
import { registryFrames, statements } from "./targets/registry.ts";
import { botLines, cards, commandLines, typed } from "./targets/texts.ts";

const peers = [lines, frames, conversation];
const registry = [statements, registryFrames];
const texts = [commandLines, botLines, calls, cards, typed];

export const TARGETS: readonly Target[] = [...peers, ...registry, ...texts];
