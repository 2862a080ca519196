import { expect, test } from "bun:test";
import { mkdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { newBot } from "../../src/cli/new-bot.ts";
import { TestHome } from "./processes.ts";

const ROOT = join(import.meta.dir, "../..");

test("a new bot's test passes at once, in an empty folder in which warren is installed", async () => {
  await using home = await TestHome.make();
  await mkdir(join(home.path, "node_modules"));
  await symlink(ROOT, join(home.path, "node_modules/warren"));
  for (const name of ["greeter", "7-of-9"]) {
    const made = await home.run(["new-bot", name]);
    expect(made).toMatchObject({ code: 0, err: "" });
    expect(made.out).toStartWith(`wrote bots/${name}.ts and test/bots/${name}.test.ts\n  bun test test/bots/${name}`);
  }
  expect(await readFile(join(home.path, "bots/greeter.ts"), "utf8")).toContain('name: "greeter"');
  const written = await readFile(join(home.path, "test/bots/greeter.test.ts"), "utf8");
  expect(written).toContain('test("greeter says back');
  expect(written).not.toContain("echo");
  const run = Bun.spawn([process.execPath, "test"], { cwd: home.path, stdout: "ignore", stderr: "pipe" });
  const said = await run.stderr.text();
  expect([await run.exited, said]).toEqual([0, expect.stringMatching(/^ 2 pass$/m)]);
}, 20_000);

test("nothing is overwritten, nor half written", async () => {
  await using home = await TestHome.make();
  const file = join(home.path, "test/bots/greeter.test.ts");
  await mkdir(join(file, ".."), { recursive: true });
  await writeFile(file, "mine");
  expect(await home.run(["new-bot", "greeter"])).toMatchObject({
    code: 2,
    err: "warren: test/bots/greeter.test.ts is there already: take another name, or move it away\n",
  });
  expect(await readFile(file, "utf8")).toBe("mine");
  expect(await Bun.file(join(home.path, "bots/greeter.ts")).exists()).toBe(false);
  await rm(file);
  await newBot(home.path, "greeter");
  expect(newBot(home.path, "greeter")).rejects.toThrow("bots/greeter.ts is there already");
});

test("what cannot be a name, and a folder that cannot be written, get one line", async () => {
  await using home = await TestHome.make();
  for (const name of ["My Bot", "../evil", "-x"]) {
    const refused = await home.run(["new-bot", "--", name]);
    expect(refused.code).toBe(2);
    expect(refused.err).toMatch(/^warren: .*1 to 32 .*\n$/);
  }
  await writeFile(join(home.path, "bots"), "a file");
  expect(newBot(home.path, "greeter")).rejects.toThrow(/cannot be written \(.+\): go to a folder of yours$/);
});
