import { expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

const PROGRAM = join(import.meta.dir, "../../src/cli/registry.ts");

async function inHome(run: (home: string) => Promise<void>): Promise<void> {
  const home = await mkdtemp(join(tmpdir(), "warren-registry-cli-"));
  await run(home).finally(() => rm(home, { recursive: true, force: true }));
}

function start(...options: string[]) {
  return Bun.spawn([process.execPath, PROGRAM, ...options], { stdout: "pipe", stderr: "pipe" });
}

async function firstLine(stream: ReadableStream<Uint8Array>): Promise<string> {
  let text = "";
  for await (const chunk of stream) {
    text += Buffer.from(chunk).toString();
    if (text.includes("\n")) break;
  }
  return text.trimEnd();
}

test("it says where it is, answers there, keeps its key in its home, and ends when it is told to", () =>
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
  }));

test("a port in use is one line and exit code 1", () =>
  inHome(async (home) => {
    const other = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response() });
    const program = start("--port", String(other.port), "--home", home);
    expect(await program.exited).toBe(1);
    expect(await program.stderr.text()).toMatch(/^warren: port \d+ is in use: [^\n]*--port[^\n]*\n$/);
    await other.stop(true);
  }));

test("wrong usage is exit code 2", async () => {
  for (const options of [["--port", "many"], ["--port", "70000"], ["--url", "ftp://x"], ["--loud"], ["extra"]]) {
    expect([options, await start(...options).exited]).toEqual([options, 2]);
  }
});
