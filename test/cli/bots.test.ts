import { afterAll, beforeAll, expect, test } from "bun:test";
import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { startRegistry } from "../../src/registry/server.ts";
import { openPeer } from "../../src/warren.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const PROGRAM = join(ROOT, "src/cli/bots.ts");

let folder = "";
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), "warren-bots-"))));
afterAll(() => rm(folder, { recursive: true }));

const BOT = (name: string, setup: string): string =>
  `import { definePlugin } from ${JSON.stringify(join(ROOT, "src/index.ts"))};
   export default definePlugin({ name: "${name}", about: "is ${name}", setup(bot) { ${setup} } });`;

async function write(name: string, source: string): Promise<string> {
  const file = join(folder, `${name}.ts`);
  await writeFile(file, source);
  return file;
}

/** The real program; `line` resolves with the first line, said already or not, that the pattern is found in. */
function start(...args: string[]) {
  return startIn(folder, ...args);
}

function startIn(cwd: string, ...args: string[]) {
  const child = Bun.spawn([process.execPath, PROGRAM, "--home", join(folder, "home"), "--registry", "none", ...args], {
    cwd,
    stdin: "pipe",
    stdout: "ignore",
    stderr: "pipe",
  });
  const lines: string[] = [];
  let look = noop;
  const reading = (async () => {
    let text = "";
    for await (const chunk of child.stderr.pipeThrough(new TextDecoderStream())) {
      text += chunk;
      lines.splice(0, lines.length, ...text.split("\n").slice(0, -1));
      look();
    }
  })();
  const line = (pattern: RegExp): Promise<RegExpExecArray> =>
    new Promise((resolve, reject) => {
      look = () => {
        const found = lines.map((one) => pattern.exec(one)).find((one) => one !== null);
        if (found) resolve(found);
      };
      look();
      void reading.then(() => reject(new Error(`no line matches ${pattern}:\n${lines.join("\n")}`)));
    });
  return {
    child,
    lines,
    line,
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGKILL");
      await child.exited;
      await reading;
    },
  };
}

function noop(): void {}

test("bots come online and answer; one that exits, and a file that is none, disturb nobody", async () => {
  const echo = await write("echo", BOT("echo", `bot.on("message", ({ text, reply }) => reply(text));`));
  const bad = await write("bad", BOT("bad", `setTimeout(() => process.exit(7), 1);`));
  const broken = await write("broken", "export default {{\n");
  await using bots = start(echo, bad, broken, join(folder, "missing.ts"));
  const port = (await bots.line(/echo is online on port (\d+)/))[1];
  await bots.line(/bad crashed and is started again: it left with exit code 7/);
  expect((await bots.line(/broken.*/))[0]).toMatch(/broken\.ts is not started: broken\.ts:1:17: /);
  await bots.line(/missing\.ts is not started: there is no file/);

  await using ann = await openPeer({ name: "ann", home: join(folder, "ann"), host: "127.0.0.1", registry: "none" });
  const answer = Promise.withResolvers<string>();
  ann.on("message", ({ text }) => answer.resolve(text));
  await ann.send(`127.0.0.1:${port}`, "hello");
  expect(await answer.promise).toBe("hello");

  bots.child.kill("SIGTERM");
  expect(await bots.child.exited).toBe(0);
}, 20_000);

test("as a child it ends with its parent's end of the pipe", async () => {
  const quiet = await write("quiet", BOT("quiet", ""));
  await using bots = start("--child", quiet);
  await bots.line(/quiet is online/);
  bots.child.kill("SIGINT"); // Ctrl-C goes to the whole family; the parent decides
  await bots.child.stdin.end();
  expect(await bots.child.exited).toBe(0);
}, 20_000);

test("the bots of a process that was killed come online in the next", async () => {
  const heir = await write("heir", BOT("heir", ""));
  await using first = start(heir);
  await first.line(/heir is online/);
  await using second = start(heir); // finds the identity in use, and waits for it
  first.child.kill("SIGKILL");
  await second.line(/heir is online/);
}, 20_000);

test("without any bot that runs it ends, and says so by its exit code", async () => {
  const broken = await write("broken2", "export default 5");
  await using one = start(broken);
  expect(await one.child.exited).toBe(1);
  await using none = start();
  await none.line(/there is no bot in \.\/bots/);
  expect(await none.child.exited).toBe(1);
  await using wrong = start("--nonsense");
  expect(await wrong.child.exited).toBe(2);
}, 20_000);

test("a bot whose name another key holds is not started, and one line says where it is", async () => {
  await using registry = await startRegistry({ folder: join(folder, "registry"), port: 0 });
  const file = await write("taken", BOT("taken", ""));
  await using first = start("--registry", registry.url, file);
  await first.line(/taken is online/);
  await using second = start("--registry", registry.url, "--home", join(folder, "home2"), file);
  await second.line(/taken is not started: taken is already online at .+:\d+$/);
  expect(await second.child.exited).toBe(1);
  expect(second.lines).toHaveLength(1);
}, 20_000);

const configurable = (name: string): string => `
  import { definePlugin, secret, z } from ${JSON.stringify(join(ROOT, "src/index.ts"))};
  export default definePlugin({
    name: "${name}", about: "calls", config: z.object({ port: z.number(), token: secret() }),
    setup(bot) {
      bot.log.warn("port " + bot.config.port + " with " + bot.config.token);
      setTimeout(() => { throw new Error("lost " + bot.config.token); }, 1);
    },
  });`;

test("bots are configured from outside: one is, one is off until then, and one is told what is wrong", async () => {
  const place = await mkdtemp(join(folder, "configured-"));
  await mkdir(join(place, "bots"));
  for (const name of ["good", "off", "wrong"]) await writeFile(join(place, "bots", `${name}.ts`), configurable(name));
  await writeFile(join(place, "warren.toml"), '[bots.good]\nport = 1\ntoken = "hunter2"\n[bots.wrong]\nport = "x"\n');
  await chmod(join(place, "warren.toml"), 0o600);
  const flags = ["--home", join(folder, "home3"), "--set", "good.port=7"];
  await using bots = startIn(place, ...flags);
  await bots.line(/^good: port 7 with •••$/);
  await bots.line(/^bots: off is off until configured: set port, token under \[bots\.off\] in warren\.toml, or /);
  await bots.line(/^bots: wrong is not started: bots\.wrong\.token is missing/);
  await bots.line(/^bots: good crashed and is started again: lost •••$/);
  expect(bots.lines.join("\n")).not.toContain("hunter2");
  await using refused = start("--set", "good.token");
  await refused.line(/--set good\.token: expected <name>\.<key>=<value>/);
  expect(await refused.child.exited).toBe(2);
}, 20_000);
