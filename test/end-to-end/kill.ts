/**
 * The kill test in its large form: `bun run kill-test [--messages n] [--kills n]`. A message and its answer each, while
 * either process is killed with SIGKILL at random moments. Exits with 1 unless both histories are what was said.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { streamUnderKills } from "./killing.ts";

const { values } = parseArgs({
  options: { messages: { type: "string", default: "20000" }, kills: { type: "string", default: "50" } },
});
const [messages, kills] = [Number(values.messages), Number(values.kills)];
if (!(Number.isSafeInteger(messages) && messages > 0 && Number.isSafeInteger(kills) && kills >= 0)) {
  console.error(
    `--messages ${values.messages} --kills ${values.kills}: expected whole numbers, of messages at least 1`,
  );
  process.exit(2);
}

const folder = await mkdtemp(join(tmpdir(), "warren-kill-"));
try {
  const began = performance.now();
  const { killed, differences } = await streamUnderKills({ folder, messages, kills });
  const seconds = ((performance.now() - began) / 1_000).toFixed(1);
  console.log(`${messages} messages and as many answers in ${seconds} s`);
  console.log(`${kills} kills with SIGKILL: ${killed.sender} of the sender, ${killed.answerer} of the answerer`);
  for (const difference of differences) console.error(difference);
  if (differences.length === 0)
    console.log("both histories are what was said: nothing lost, nothing doubled, in order");
  else process.exitCode = 1;
} finally {
  await rm(folder, { recursive: true });
}
