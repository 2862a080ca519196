import { expect, test } from "bun:test";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import packageJson from "../../package.json";
import { checkBun, OLDEST_BUN } from "../../src/cli/program.ts";

const SOURCES = JSON.stringify(join(import.meta.dir, "../../src")).slice(0, -1);
const IMPORTS = `
  import { run } from ${SOURCES}/cli/program.ts";
  import { print } from ${SOURCES}/cli/output.ts";
  import { WarrenError } from ${SOURCES}/base/errors.ts";
`;

/** Runs `body` as the main function of a program. */
async function runProgram(body: string, args: string[] = []) {
  const folder = await mkdtemp(join(tmpdir(), "warren-program-"));
  try {
    const file = join(folder, "program.ts");
    await writeFile(file, `${IMPORTS} await run(async () => { ${body} });`);
    const child = Bun.spawn([process.execPath, file, ...args], { stdin: "ignore", stdout: "pipe", stderr: "pipe" });
    const [out, err, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
    return { out, err, code };
  } finally {
    await rm(folder, { recursive: true });
  }
}

test("a Bun that is too old is told so in one line", () => {
  expect(() => checkBun("1.4.4")).toThrow('this is Bun 1.4.4; Warren needs 1.4.5 or newer: run "bun upgrade"');
  for (const version of ["1.4.5", "1.4.10", "2.0.0"]) expect(() => checkBun(version)).not.toThrow();
  expect(packageJson.engines.bun).toBe(`>=${OLDEST_BUN}`);
});

test("the exit code is what the program says, and all that was printed comes out", async () => {
  expect(await runProgram("return 3;")).toEqual({ out: "", err: "", code: 3 });
  const long = await runProgram('print("x".repeat(1_000_000));');
  expect([long.code, long.out.length]).toEqual([0, 1_000_001]);
});

test("a failure is one line, and with --debug the place too", async () => {
  const known = 'throw new WarrenError("PORT_IN_USE", "port 1 is in use");';
  expect(await runProgram(known)).toEqual({ out: "", err: "warren: port 1 is in use\n", code: 1 });
  expect((await runProgram(known, ["--debug"])).err).toContain("program.ts:");
  expect((await runProgram('throw new WarrenError("USAGE", "no");')).code).toBe(2);
  const unexpected = await runProgram('throw new TypeError("oops\\nmore");');
  expect(unexpected).toEqual({ out: "", err: "warren: unexpected: oops (--debug shows where)\n", code: 1 });
});

test("an error that nobody caught ends the program, in one line like any other", async () => {
  const onAndOn = "setInterval(() => {}, 1_000); await new Promise(() => {});";
  const told = { out: "", err: "warren: unexpected: late (--debug shows where)\n", code: 1 };
  expect(await runProgram(`setTimeout(() => { throw new Error("late"); }); ${onAndOn}`)).toEqual(told);
  expect(await runProgram(`setTimeout(() => void Promise.reject(new Error("late"))); ${onAndOn}`)).toEqual(told);
});

test("nobody reading is no error", async () => {
  const folder = await mkdtemp(join(tmpdir(), "warren-program-"));
  const file = join(folder, "program.ts");
  const body = 'for (;;) { print("line"); await new Promise((next) => setImmediate(next)); }';
  await writeFile(file, `${IMPORTS} await run(async () => { ${body} });`);
  const child = Bun.spawn(["sh", "-c", '"$0" "$1" | head -1; echo ended', process.execPath, file], { stderr: "pipe" });
  const [out, err] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  expect([out, err]).toEqual(["line\nended\n", ""]);
  await rm(folder, { recursive: true });
});
