/** New bot: `peer new-bot <name>` writes a bot that answers, and the test that shows it. */
import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describeError, WarrenError } from "../base/errors.ts";

/** Writes both files below `folder` and resolves to what is told. @throws {WarrenError} `USAGE`, `HOME_UNWRITABLE` */
export async function newBot(folder: string, name: string): Promise<string[]> {
  const [bot, test] = [`bots/${name}.ts`, `test/bots/${name}.test.ts`];
  const [botSource, testSource] = await sourcesOf(name);
  const files = { [bot]: botSource, [test]: testSource };
  const found = Object.keys(files).find((file) => existsSync(join(folder, file)));
  if (found !== undefined)
    throw new WarrenError("USAGE", `${found} is there already: take another name, or move it away`);
  try {
    for (const [file, source] of Object.entries(files)) {
      await mkdir(dirname(join(folder, file)), { recursive: true });
      await writeFile(join(folder, file), source, { flag: "wx" });
    }
  } catch (error) {
    const message = `${folder} cannot be written (${describeError(error)}): go to a folder of yours`;
    throw new WarrenError("HOME_UNWRITABLE", message, { cause: error });
  }
  return [
    `wrote ${bot} and ${test}`,
    `  bun test ${test}   tries it, without any network`,
    `  bun run peer   brings it online beside your chat; then say: @${name} good morning`,
    `docs/bots.md says what else a bot can do`,
  ];
}

/** The bot and the test of the README, which are tested themselves, under another name. */
async function sourcesOf(name: string): Promise<[bot: string, test: string]> {
  const [bot, test] = await Promise.all(
    ["bots/echo.ts", "test/bots/echo.test.ts"].map((file) =>
      Bun.file(new URL(`../../${file}`, import.meta.url)).text(),
    ),
  );
  return [
    (bot ?? "").replace('name: "echo"', `name: "${name}"`),
    (test ?? "")
      .replace('test("echo ', `test("${name} `)
      .replaceAll('"echo"', `"${name}"`)
      .replaceAll("bots/echo.ts", `bots/${name}.ts`)
      .replace("import echo", "import bot")
      .replace("[echo]", "[bot]"),
  ];
}
