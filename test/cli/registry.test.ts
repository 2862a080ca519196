import { expect, setDefaultTimeout, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { NatsServer, NATS_SERVER, NO_NATS_SERVER } from "../registry/nats-server.ts";

setDefaultTimeout(60_000); // for as many at a time as there are tests here, each with several processes

const PROGRAM = join(import.meta.dir, "../../src/cli/registry.ts");

async function inHome(run: (home: string) => Promise<void>): Promise<void> {
  const home = await mkdtemp(join(tmpdir(), "warren-registry-cli-"));
  await run(home).finally(() => rm(home, { recursive: true, force: true }));
}

function start(...options: string[]) {
  return Bun.spawn([process.execPath, PROGRAM, ...options], { stdout: "pipe", stderr: "pipe" });
}

async function firstLine(stream: ReadableStream<Uint8Array>): Promise<string> {
  return (await lines(stream, 1)).join("\n");
}

async function lines(stream: ReadableStream<Uint8Array>, count: number): Promise<string[]> {
  let text = "";
  for await (const chunk of stream) {
    text += Buffer.from(chunk).toString();
    if (text.split("\n").length > count) break;
  }
  return text.trimEnd().split("\n");
}

test.concurrent("it says where it is, answers there, keeps its key in its home, and ends when it is told to", () =>
  inHome(async (home) => {
    const program = start("--port", "0", "--home", home);
    const line = await firstLine(program.stdout);
    expect(line).toMatch(/^registry ready at http:\/\/127\.0\.0\.1:\d+$/);
    const url = line.replace(/.* /, "");
    expect(await (await fetch(`${url}/healthz`)).json()).toEqual({ status: "ok" });
    expect(await Bun.file(join(home, "registry", "key.pem")).exists()).toBe(true);
    program.kill("SIGTERM");
    expect(await program.exited).toBe(0);
    expect(await program.stderr.text()).toBe("");
  }),
);

test.concurrent("its log is one JSON object a line for whoever wants that, also when it cannot start", () =>
  inHome(async (home) => {
    const program = start("--port", "0", "--home", home, "--log", "json");
    const { text } = JSON.parse(await firstLine(program.stderr)) as { text: string };
    const url = text.replace(/.* /, "");
    const other = start("--port", new URL(url).port, "--home", join(home, "other"), "--log", "json");
    expect(await other.exited).toBe(1);
    expect(JSON.parse(await other.stderr.text())).toMatchObject({
      level: "error",
      source: "registry",
      text: expect.stringMatching(/^PORT_IN_USE: /),
    });
    program.kill("SIGTERM");
    expect([await program.exited, await program.stdout.text()]).toEqual([0, ""]);
  }),
);

test.concurrent("told to end, it says for a while that it is about to, and then ends", () =>
  inHome(async (home) => {
    const program = start("--port", "0", "--home", home, "--drain", "0.5");
    const url = (await firstLine(program.stdout)).replace(/.* /, "");
    program.kill("SIGTERM");
    let status = 200;
    while (status === 200) status = (await fetch(`${url}/readyz`)).status;
    expect(status).toBe(503);
    expect(await program.exited).toBe(0);
  }),
);

test.concurrent("status, backup and restore are commands of the same program", () =>
  inHome(async (home) => {
    const program = start("--port", "0", "--home", home);
    const url = (await firstLine(program.stdout)).replace(/.* /, "");
    const ran = async (...args: string[]) => {
      const child = start(...args);
      const [out, err, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
      return { out, err, code };
    };
    expect(await ran("status", "-r", url)).toMatchObject({
      code: 0,
      out: expect.stringContaining("online    0"),
      err: "",
    });
    expect(JSON.parse((await ran("status", "--json", "-r", url)).out)).toMatchObject({ url, online: 0, faults: [] });
    const file = join(home, "copy");
    expect(await ran("backup", file, "--home", home)).toMatchObject({ code: 0, err: "" });
    expect(await ran("restore", file, "--home", home)).toMatchObject({
      code: 1,
      err: expect.stringContaining("is running"),
    });
    program.kill("SIGTERM");
    await program.exited;
    expect(await ran("restore", file, "--home", home, "--force")).toMatchObject({ code: 0, err: "" });
    expect(await ran("status", "-r", url)).toMatchObject({ code: 1, err: expect.stringContaining("does not answer") });
  }),
);

test.concurrent("a port in use is one line and exit code 1", () =>
  inHome(async (home) => {
    const other = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response() });
    const program = start("--port", String(other.port), "--home", home);
    expect(await program.exited).toBe(1);
    expect(await program.stderr.text()).toMatch(/^warren: port \d+ is in use: [^\n]*--port[^\n]*\n$/);
    await other.stop(true);
  }),
);

test.concurrent("wrong usage is exit code 2", async () => {
  for (const options of [
    ["--port", "many"],
    ["--port", "70000"],
    ["--url", "ftp://x"],
    ["--loud"],
    ["--log", "xml"],
    ["--metrics", "me"],
    ["extra"],
  ]) {
    expect([options, await start(...options).exited]).toEqual([options, 2]);
  }
});

if (NATS_SERVER === undefined) console.log(`bun run registry --store: ${NO_NATS_SERVER}`);
test.concurrent.skipIf(NATS_SERVER === undefined)(
  "two processes share a store with one key, and one with another key is refused",
  () =>
    inHome(async (home) => {
      await using server = await NatsServer.start();
      const store = ["--port", "0", "--store", server.address];
      const first = start(...store, "--home", home);
      const [ready = "", line = ""] = await lines(first.stdout, 2);
      expect(ready).toMatch(/^store ready: warren at 127\.0\.0\.1:\d+ \(NATS [\d.]+, 1 replica\)$/);
      const options = ["--port", "0", "--key", join(home, "registry", "key.pem")];
      const env = { ...process.env, WARREN_STORE: server.address };
      const second = Bun.spawn([process.execPath, PROGRAM, ...options], { stdout: "pipe", stderr: "pipe", env });
      const [, other = ""] = await lines(second.stdout, 2);
      const about = [line, other].map(
        async (text) => await (await fetch(`${text.replace(/.* /, "")}/v1/registry`)).json(),
      );
      const [one, two] = (await Promise.all(about)) as [{ registry: string }, { registry: string }];
      expect(two.registry).toBe(one.registry);
      const stranger = start(...store, "--home", join(home, "other"));
      expect(await stranger.exited).toBe(1);
      expect(await stranger.stderr.text()).toContain(
        `the shared store belongs to the registry ${one.registry.slice(0, 8)}`,
      );
      for (const program of [first, second]) program.kill("SIGTERM");
      expect(await Promise.all([first.exited, second.exited])).toEqual([0, 0]);
      expect(await Promise.all([first.stderr.text(), second.stderr.text()])).toEqual(["", ""]);
    }),
);

test.concurrent("a store that is not there, and one that cannot be, are told in a line", () =>
  inHome(async (home) => {
    const program = start("--port", "0", "--home", home, "--store", "nats://127.0.0.1:1");
    expect([await program.exited, await program.stderr.text()]).toEqual([
      1,
      "warren: no NATS server answers at 127.0.0.1:1 (connection refused): start one, or check --store\n",
    ]);
    const wrong = start("--store", "http://127.0.0.1");
    expect([await wrong.exited, await wrong.stderr.text()]).toEqual([2, expect.stringContaining("nats://host:4222")]);
  }),
);

test.concurrent("every option and command that --help names is in docs/registry.md", async () => {
  const help = await start("--help").stdout.text();
  const page = await Bun.file(join(import.meta.dir, "../../docs/registry.md")).text();
  const options = [...help.matchAll(/^ {2}(?:-\w, )?(--[a-z-]+)/gm)].map(([, option]) => String(option));
  const commands = [...help.matchAll(/^ {2}([a-z]+)(?: \[options\])?(?: <\w+>)? {2,}/gm)].map(([, command]) =>
    String(command),
  );
  expect(options).toContain("--metrics");
  expect(commands).toContain("backup");
  expect(options.filter((option) => option !== "--help" && !page.includes(option))).toEqual([]);
  expect(commands.filter((command) => !page.includes(`bun run registry ${command}`))).toEqual([]);
});

test.concurrent("what is in a shared store is not backed up from a disk, and not restored to one", () =>
  inHome(async (home) => {
    for (const command of ["backup", "restore"]) {
      const program = start(command, join(home, "copy"), "--home", home, "--store", "nats://127.0.0.1:1");
      expect(await program.exited).toBe(2);
      expect(await program.stderr.text()).toContain("nats stream " + command);
    }
  }),
);

test.concurrent("every option is told of in docs/registry.md, and no other", async () => {
  const help = await start("--help").stdout.text();
  const page = await Bun.file(join(import.meta.dir, "../../docs/registry.md")).text();
  const [running = "", cluster = ""] = ["## Running one", "## A cluster"].map((title) => page.split(title)[1]);
  const tables = [running, cluster].map((text) => /^\| option .*\n(?:\|.*\n)+/m.exec(text)?.[0] ?? "").join("");
  const known = new Set(named(help, /^ +(?:-\w, )?(--[a-z-]+)/gm));
  const cells = named(tables, /^\| (`[^|]*) \|/gm).join(" ");
  expect(named(cells, /(--[a-z-]+)/g).filter((option) => !known.has(option))).toEqual([]);
  const told = new Set([...named(page, /(--[a-z-]+)/g), "--help"]);
  expect([...known].filter((option) => !told.has(option))).toEqual([]);
});

/** What `what` finds in its group. */
function named(text: string, what: RegExp): string[] {
  return [...text.matchAll(what)].map(([, found]) => String(found));
}
