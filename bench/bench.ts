/**
 * Bench: `bun run bench [question ...]`. Every contender of a question is measured in turn, round after round, so that what the
 * machine does beside it hits all of them alike; what is compared are medians, and ratios to the limit of the same run.
 */
import { mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { compare, readRecorded, record } from "./guard.ts";
import { measureAll, type Result } from "./measure.ts";
import type { Question } from "./question.ts";
import { questions } from "./questions.ts";
import { formatResult } from "./table.ts";

const RECORDED = join(import.meta.dir, "recorded.json");
/** How often a question is asked before a loss is believed: one that is real comes again, what the machine did beside it does not. */
const MOST_TIMES = 3;

const USAGE = `bun run bench [question ...] [options]

  --rounds <n>   how often everybody is measured (5; with --short 3)
  --short        a tenth of the work: for a first look, and for CI
  --check        compare the ratios with the recorded ones; fail if one is worse by more than a fifth, three times in a row
  --record       let the ratios be the recorded ones from now on
  --json <file>  write what was measured there
  --list         the questions`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: "string" },
    short: { type: "boolean", default: false },
    check: { type: "boolean", default: false },
    record: { type: "boolean", default: false },
    json: { type: "string" },
    list: { type: "boolean", default: false },
    help: { type: "boolean", short: "h", default: false },
  },
});

if (values.help) {
  console.log(USAGE);
  process.exit(0);
}
if (values.list) {
  for (const { name, about } of questions) console.log(`${name.padEnd(14)} ${about}`);
  process.exit(0);
}
const chosen = positionals.length > 0 ? positionals.map(find) : questions.filter(({ isOnDemand }) => !isOnDemand);
const rounds = Number(values.rounds ?? (values.short ? 3 : 5));
if (!Number.isSafeInteger(rounds) || rounds < 1) fail(`--rounds ${values.rounds ?? ""}: a number from 1 is expected`);

const recorded = await readRecorded(RECORDED);
const results: Result[] = [];
for (const question of chosen) {
  console.log(`\n${question.name}: ${question.about}`);
  results.push(await measure(question));
}
if (values.json !== undefined) {
  await mkdir(dirname(values.json), { recursive: true });
  await Bun.write(values.json, `${JSON.stringify(results, null, 2)}\n`);
}
if (values.check) {
  const { losses, compared } = compare(results, recorded, questions);
  for (const loss of losses) console.error(loss);
  if (losses.length > 0) process.exit(1);
  console.log(`\n${compared} ratios compared: none is worse than the recorded one by more than a fifth`);
}
if (values.record) {
  await Bun.write(RECORDED, `${JSON.stringify(record(recorded, results, questions), null, 2)}\n`);
  console.log(`\nrecorded in ${RECORDED}`);
}

async function measure(question: Question): Promise<Result> {
  for (let times = 1; ; times++) {
    const result = await measureAll(question, { rounds, scale: values.short ? 0.1 : 1, tell: console.log });
    console.log(formatResult(question, result));
    if (!values.check || times === MOST_TIMES) return result;
    const { losses } = compare([result], recorded, [question]);
    if (losses.length === 0) return result;
    console.log(`  measured again, because of ${losses.join("; ")}`);
  }
}

function find(name: string): Question {
  const question = questions.find((one) => one.name === name);
  return question ?? fail(`there is no question "${name}": see --list`);
}

function fail(message: string): never {
  console.error(message);
  process.exit(2);
}
