import { expect, setDefaultTimeout, test } from "bun:test";
import { mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { startRegistry } from "../../src/registry/server.ts";
import { openPeer } from "../../src/warren.ts";

setDefaultTimeout(60_000); // for as many at a time as there are tests here, each with several processes

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const PROGRAM = join(ROOT, "src/cli/bots.ts");

const BOT = (name: string, setup: string): string =>
  `import { definePlugin } from ${JSON.stringify(join(ROOT, "src/index.ts"))};
   export default definePlugin({ name: "${name}", about: "is ${name}", setup(bot) { ${setup} } });`;

/** A folder with the files of bots, and the homes of whoever runs there. */
class Place implements AsyncDisposable {
  readonly folder: string;

  static async make(): Promise<Place> {
    return new Place(await mkdtemp(join(tmpdir(), "warren-bots-")));
  }

  private constructor(folder: string) {
    this.folder = folder;
  }

  async write(name: string, source: string): Promise<string> {
    const file = join(this.folder, `${name}.ts`);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, source);
    return file;
  }

  /** The real program; `line` resolves with the first line (or the second, …), said already or not, that has the pattern. */
  start(...args: string[]) {
    const home = join(this.folder, "home");
    const child = Bun.spawn([process.execPath, PROGRAM, "--home", home, "--registry", "none", ...args], {
      cwd: this.folder,
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
    const line = (pattern: RegExp, count = 1): Promise<RegExpExecArray> =>
      new Promise((resolve, reject) => {
        look = () => {
          const found = lines.map((one) => pattern.exec(one)).filter((one) => one !== null)[count - 1];
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

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.folder, { recursive: true, maxRetries: 5 });
  }
}

function noop(): void {}

test.concurrent("bots come online and answer; one that exits, and a file that is none, disturb nobody", async () => {
  await using place = await Place.make();
  const echo = await place.write("echo", BOT("echo", `bot.on("message", ({ text, reply }) => reply(text));`));
  const bad = await place.write("bad", BOT("bad", `setTimeout(() => process.exit(7), 1);`));
  const broken = await place.write("broken", "export default {{\n");
  await using bots = place.start(echo, bad, broken, join(place.folder, "missing.ts"));
  const port = (await bots.line(/echo is online on port (\d+)/))[1];
  await bots.line(/bad crashed and is started again: it left with exit code 7/);
  expect((await bots.line(/broken.*/))[0]).toMatch(/broken\.ts is not started: broken\.ts:1:17: /);
  await bots.line(/missing\.ts is not started: there is no file/);

  await using ann = await openPeer({
    name: "ann",
    home: join(place.folder, "ann"),
    host: "127.0.0.1",
    registry: "none",
  });
  const answer = Promise.withResolvers<string>();
  ann.on("message", ({ text }) => answer.resolve(text));
  await ann.send(`127.0.0.1:${port}`, "hello");
  expect(await answer.promise).toBe("hello");

  bots.child.kill("SIGTERM");
  expect(await bots.child.exited).toBe(0);
});

test.concurrent("bots reach the network", async () => {
  await using place = await Place.make();
  using server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response("the weather is fine") });
  const report = `.then(async (response) => bot.log.warn(await response.text()))`;
  await using bots = place.start(
    await place.write("web", BOT("web", `void bot.fetch("${server.url.href}")${report};`)),
  );
  await bots.line(/web: the weather is fine/);
});

test.concurrent("as a child it ends with its parent's end of the pipe", async () => {
  await using place = await Place.make();
  const quiet = await place.write("quiet", BOT("quiet", ""));
  await using bots = place.start("--child", quiet);
  await bots.line(/quiet is online/);
  bots.child.kill("SIGINT"); // Ctrl-C goes to the whole family; the parent decides
  await bots.child.stdin.end();
  expect(await bots.child.exited).toBe(0);
});

test.concurrent("the bots of a process that was killed come online in the next", async () => {
  await using place = await Place.make();
  const heir = await place.write("heir", BOT("heir", ""));
  await using first = place.start(heir);
  await first.line(/heir is online/);
  await using second = place.start(heir); // finds the identity in use, and waits for it
  first.child.kill("SIGKILL");
  await second.line(/heir is online/);
});

test.concurrent("without any bot that runs it ends, and says so by its exit code", async () => {
  await using place = await Place.make();
  const broken = await place.write("broken", "export default 5");
  await using one = place.start("--no-watch", broken);
  expect(await one.child.exited).toBe(1);
  await using none = place.start();
  await none.line(/there is no bot in \.\/bots/);
  expect(await none.child.exited).toBe(1);
  await using wrong = place.start("--nonsense");
  expect(await wrong.child.exited).toBe(2);
});

test.concurrent(
  "a bot whose name another key holds is not started, and one line says where it is; or one line names all",
  async () => {
    await using place = await Place.make();
    await using registry = await startRegistry({ folder: join(place.folder, "registry"), port: 0 });
    const file = await place.write("taken", BOT("taken", ""));
    const another = await place.write("another", BOT("another", ""));
    await using first = place.start("--registry", registry.url, file, another);
    await first.line(/taken is online/);
    await first.line(/another is online/);
    await using second = place.start(
      "--registry",
      registry.url,
      "--home",
      join(place.folder, "home2"),
      "--no-watch",
      file,
    );
    await second.line(/taken is not started: taken is already online at .+:\d+$/);
    expect(await second.child.exited).toBe(1);
    expect(second.lines).toHaveLength(1);
    const third = ["--registry", registry.url, "--home", join(place.folder, "home3"), "--quiet", file, another];
    await using quiet = place.start(...third);
    await quiet.line(/^bots: another and taken are not started: they are already online elsewhere$/);
    expect(quiet.lines).toHaveLength(1);
  },
);

const configurable = (name: string): string => `
  import { definePlugin, secret, z } from ${JSON.stringify(join(ROOT, "src/index.ts"))};
  export default definePlugin({
    name: "${name}", about: "calls", config: z.object({ port: z.number(), token: secret() }),
    setup(bot) {
      bot.log.warn("port " + bot.config.port + " with " + bot.config.token);
      bot.on("started", () => {
        setTimeout(() => { throw new Error("lost " + bot.config.token); }, 1);
        throw new Error("not with " + bot.config.token);
      });
    },
  });`;

test.concurrent(
  "bots are configured from outside: one is, one is off until then, and one is told what is wrong",
  async () => {
    await using place = await Place.make();
    for (const name of ["good", "off", "wrong"]) await place.write(`bots/${name}`, configurable(name));
    const toml = join(place.folder, "warren.toml");
    await writeFile(toml, '[bots.good]\nport = 1\ntoken = "hunter2"\n[bots.wrong]\nport = "x"\n', { mode: 0o600 });
    await using bots = place.start("--set", "good.port=7");
    await bots.line(/^good: port 7 with •••$/);
    await bots.line(/^bots: off is off until configured: set port, token under \[bots\.off\] in warren\.toml, or /);
    await bots.line(/^bots: wrong is not started: bots\.wrong\.token is missing/);
    await bots.line(/^good: started: not with ••• \(good\.ts:9:\d+\)$/);
    await bots.line(/^bots: good crashed and is started again: lost ••• \(good\.ts:8:\d+\)$/);
    expect(bots.lines.join("\n")).not.toContain("hunter2");
    await place.write("bots/unset", configurable("unset"));
    await using quiet = place.start("--quiet", "--home", join(place.folder, "home2"));
    await quiet.line(/^bots: off and unset are off until configured: see docs\/bots\.md$/);
    await using refused = place.start("--set", "good.token");
    await refused.line(/--set good\.token: expected <name>\.<key>=<value>/);
    expect(await refused.child.exited).toBe(2);
    await writeFile(toml, '[bots.off]\nport = 3\ntoken = "hunter3"\n', { mode: 0o600 });
    await bots.line(/^off: port 3 with •••$/); // without a restart
  },
);
/** A peer in a registry with the bots, which keeps what it is told of who comes and goes. */
async function witness(place: Place, registry: string) {
  const peer = await openPeer({ name: "ann", home: join(place.folder, "witness"), host: "127.0.0.1", registry });
  const presence: string[] = [];
  const answers: string[] = [];
  let look = noop;
  const came = Promise.withResolvers<void>();
  peer.on("peer:online", ({ name }) => {
    presence.push(`${name} online`);
    came.resolve();
  });
  peer.on("peer:offline", ({ name }) => void presence.push(`${name} offline`));
  peer.on("message", ({ text }) => {
    answers.push(text);
    look();
  });
  const ask = async (who: string): Promise<string> => {
    const answer = new Promise<string>((resolve) => (look = () => resolve(answers.at(-1) ?? "")));
    await peer.send(who, "hello");
    return await answer;
  };
  return { peer, presence, came: came.promise, ask, [Symbol.asyncDispose]: () => peer.close() };
}

const says = (what: string): string => BOT("parrot", `bot.on("message", ({ reply }) => reply(${what}));`);

test.concurrent(
  "an edit is answered by the new code, a broken one by the old, and nobody is told that the bot went",
  async () => {
    await using place = await Place.make();
    await using registry = await startRegistry({ folder: join(place.folder, "registry"), port: 0 });
    await using ann = await witness(place, registry.url);
    await place.write("words", "export const word = 'one';\n");
    const file = await place.write("parrot", `import { word } from "./words.ts";\n${says("word")}`);
    await using bots = place.start("--registry", registry.url, file);
    await bots.line(/parrot is online/);
    await ann.came;
    expect(await ann.ask("parrot")).toBe("one");

    await place.write("words", "export const word = 'two';\n"); // a file that it imports
    await bots.line(/parrot is reloaded/);
    expect(await ann.ask("parrot")).toBe("two");

    await place.write("parrot", `${says('"three"')} }`);
    const words = (await bots.line(/is not reloaded.*/))[0];
    expect(words).toMatch(/is not reloaded and goes on as it was: parrot\.ts:2:\d+: /);
    expect(await ann.ask("parrot")).toBe("two");

    await rename(await place.write("parrot~", says('"four"')), file); // as editors save
    await bots.line(/parrot is reloaded/, 2);
    expect(await ann.ask("parrot")).toBe("four");
    expect(ann.presence).toEqual(["parrot online"]);

    await rm(file);
    await bots.line(/parrot is stopped: parrot\.ts is gone/);
    await place.write("parrot", says('"five"'));
    await bots.line(/parrot is online/, 2);
    expect(await ann.ask("parrot")).toBe("five");
  },
);

test.concurrent("an edit whose setup fails, or that exits, leaves the old bot answering", async () => {
  await using place = await Place.make();
  await using ann = await witness(place, "none");
  const file = await place.write("sage", BOT("sage", `bot.on("message", ({ reply }) => reply("one"));`));
  await using bots = place.start(file);
  const port = (await bots.line(/sage is online on port (\d+)/))[1];
  await place.write("sage", BOT("sage", `throw new Error("not today");`));
  await bots.line(/sage is not reloaded and goes on as it was: sage: setup failed: not today/);
  await place.write("sage", `process.exit(7);\n${BOT("sage", "")}`);
  await bots.line(/sage is not reloaded and goes on as it was: it left with exit code 7/);
  expect(await ann.ask(`127.0.0.1:${port}`)).toBe("one");
});

test.concurrent("bots come and go with the files of ./bots, unless nobody watches", async () => {
  await using place = await Place.make();
  await mkdir(join(place.folder, "bots"));
  await using bots = place.start();
  await using blind = place.start("--no-watch");
  expect(await blind.child.exited).toBe(1);
  const late = await place.write("bots/late", BOT("late", ""));
  await bots.line(/late is online/);
  await rm(late);
  await bots.line(/late is stopped: late\.ts is gone/);
});

// Not while others take the time in which it is to answer.
test("a bot that takes all memory is ended and named, however busy it is; the others stay", async () => {
  await using place = await Place.make();
  const modest = await place.write("modest", BOT("modest", ""));
  const glutton = await place.write(
    "glutton",
    BOT("glutton", `bot.on("message", () => { const all = []; for (;;) all.push(new Uint8Array(2 ** 18).fill(1)); });`),
  );
  const creeper = await place.write(
    "creeper",
    BOT(
      "creeper",
      `const all = []; bot.on("message", () => void setInterval(() => all.push(new Uint8Array(2 ** 22).fill(1)), 10));`,
    ),
  );
  await using bots = place.start("--memory", "100", modest, glutton, creeper);
  await using ann = await openPeer({
    name: "eva",
    home: join(place.folder, "eva"),
    host: "127.0.0.1",
    registry: "none",
  });
  await bots.line(/modest is online/);
  const port = async (name: string): Promise<string> =>
    (await bots.line(new RegExp(`${name} is online on port (.+)`)))[1] ?? "";
  await ann.send(`127.0.0.1:${await port("creeper")}`, "go");
  await bots.line(/creeper crashed and is started again: the bots use .* MiB/);
  await ann.send(`127.0.0.1:${await port("glutton")}`, "go");
  expect((await bots.line(/glutton crashed.*/))[0]).toContain("this one does not answer");
  expect(bots.lines.filter((line) => line.includes("modest"))).toHaveLength(1);
});
