/** The documentation says what the code does: numbers, codes, frames, tests and files that it names are compared with it. */
import { Glob } from "bun";
import { expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { ERROR_CODES } from "../src/base/errors.ts";
import { silentLog } from "../src/base/log.ts";
import * as admission from "../src/peer/admission.ts";
import * as connection from "../src/peer/connection.ts";
import * as controlBudget from "../src/peer/control-budget.ts";
import * as drafting from "../src/peer/drafting.ts";
import * as drafts from "../src/peer/drafts.ts";
import * as demand from "../src/peer/demand.ts";
import * as inflow from "../src/peer/inflow.ts";
import type { Link, Transport } from "../src/peer/link.ts";
import * as outflow from "../src/peer/outflow.ts";
import { Peer } from "../src/peer/peer.ts";
import * as sessions from "../src/peer/sessions.ts";
import * as switchboard from "../src/peer/switchboard.ts";
import * as tls from "../src/peer/tls.ts";
import { openStore } from "../src/store/store.ts";
import { SimulatedNetwork } from "../src/testing/simulated-network.ts";
import { createSimulatedWorld } from "../src/testing/world.ts";
import * as data from "../src/wire/data.ts";
import * as frames from "../src/wire/frames.ts";
import * as lines from "../src/wire/lines.ts";
import { TARGETS } from "./fuzz/targets.ts";
import { testId } from "./peer/burrow.ts";

const ROOT = join(import.meta.dir, "..");
const PAGES = ["README.md", "CHANGELOG.md", ...new Glob("docs/*.md").scanSync(ROOT)].filter((page) =>
  existsSync(join(ROOT, page)),
);

test("the limits in docs/protocol.md are those of the code, all of them", async () => {
  const wire = { ...frames, ...data, ...lines, ...connection, ...controlBudget, ...switchboard, ...tls };
  const lasting = { ...admission, ...demand, ...drafting, ...drafts, ...inflow, ...outflow, ...sessions };
  const coded = Object.entries({ ...wire, ...lasting }).filter(([, value]) => typeof value === "number");
  const table = (await read("docs/protocol.md")).matchAll(/^\| `([A-Z_]+)` +\| ([\d,]+) /gm);
  const told = [...table].map(([, name, value]) => [name, Number(value?.replaceAll(",", ""))]);
  expect(Object.fromEntries(told)).toEqual(Object.fromEntries(coded));
});

test("every frame shown in docs/protocol.md is one, and every kind of frame is shown", async () => {
  const shown = (await read("docs/protocol.md")).matchAll(/\{"t":.*\}$/gm);
  const kinds = [...shown].map(([line]) => frames.decodeFrame(JSON.parse(line))?.t ?? line);
  const listed = (await read("docs/protocol.md")).matchAll(/^\| ((?:`[a-z]+` )+) *\| .*\(#/gm);
  const named = [...listed].flatMap(([, cell]) => [...(cell ?? "").matchAll(/`([a-z]+)`/g)].map(([, kind]) => kind));
  expect([...new Set<string>(kinds)].sort()).toEqual([...new Set(named.map(String))].sort());
});

test("the conversation in docs/protocol.md is what two peers say", async () => {
  const page = await read("docs/protocol.md");
  const block = /^## A whole conversation\n[^]*?^```text\n([^]*?)^```$/m.exec(page)?.[1] ?? "";
  const told = block.split("\n").filter((line) => /^(?:ann|bob) /.test(line));
  expect(withoutChance(told)).toEqual(withoutChance(await converse()));
});

test("docs/errors.md explains every error code, and no other", async () => {
  const told = [...(await read("docs/errors.md")).matchAll(/^\| `([A-Z_]+)` /gm)].map(([, code]) => String(code));
  expect(told.toSorted()).toEqual([...ERROR_CODES].sort());
});

test("every error code is one that something throws", async () => {
  const sources = await Promise.all(
    files("src/**/*.ts")
      .filter((file) => file !== "src/base/errors.ts")
      .map(read),
  );
  const unused = ERROR_CODES.filter((code) => !sources.some((source) => source.includes(`"${code}"`)));
  expect(unused).toEqual([]);
});

test("every promise in docs/security.md names a test that exists, or says that it has none", async () => {
  const titles = new Map<string, Set<string>>();
  for (const file of files("test/**/*.test.ts")) {
    const calls = (await read(file)).matchAll(/\btest(?:\.\w+(?:\([^)]*\))?)*\(\s*(["`'])(.*?)\1,/g);
    titles.set(file, new Set([...calls].map(([, , title]) => String(title))));
  }
  const table = (await read("docs/security.md")).matchAll(/^\| cannot .*\| ([^|]+) \|$/gm);
  const rows = [...table].map(([, cell = ""]) => cell.trim()).filter((cell) => cell !== "test");
  expect(rows.length).toBeGreaterThan(10);
  for (const cell of rows) {
    const named = [...cell.matchAll(/`(test\/[^`]+)`: "([^"]+)"/g)];
    if (named.length === 0) expect(cell).toBe("not tested yet");
    for (const [, file = "", title = ""] of named) expect([...(titles.get(file) ?? [`no ${file}`])]).toContain(title);
  }
});

test("every link from a page leads somewhere, and every file that a page names is there", async () => {
  const broken: string[] = [];
  for (const page of PAGES) {
    const text = (await read(page)).replace(/^```[^]*?^```$/gm, "");
    for (const [, target = ""] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(target)) continue;
      const [path = "", anchor] = target.split("#", 2);
      const linked = path === "" ? page : normalize(join(dirname(page), path));
      if (!existsSync(join(ROOT, linked))) broken.push(`${page}: ${target}`);
      else if (anchor && !anchorsOf(await read(linked)).includes(anchor)) broken.push(`${page}: ${target}`);
    }
    for (const [, path = ""] of text.matchAll(/`((?:src|test|bots|docs)\/[\w./-]+\.(?:ts|md))`/g)) {
      const isExample = path.includes("greeter");
      if (!isExample && !existsSync(join(ROOT, path))) broken.push(`${page}: ${path}`);
    }
  }
  expect(broken).toEqual([]);
});

test("every file on the map in docs/architecture.md is there, and every folder is on the map", async () => {
  const [, map = ""] = (await read("docs/architecture.md")).split(/^## The map$|^## The life of a message$/m);
  const folders = map.split(/^### /m).slice(1);
  const named = folders.flatMap((text) => {
    const [folder = "", ...names] = [...text.matchAll(/`([\w/-]+(?:\/|\.ts))`/g)].map(([, name = ""]) => name);
    return names.map((name) => folder + name);
  });
  expect(named.filter((file) => !existsSync(join(ROOT, file)))).toEqual([]);
  const known = new Set(named.map(dirname));
  expect([...new Set(files("src/*/*.ts").map(dirname))].filter((folder) => !known.has(folder))).toEqual([]);
});

test("docs/reliability.md tells what is fuzzed, all of it", async () => {
  const [, table = ""] =
    /^\| target +\| what it runs [^]*?\n((?:\|.*\n)+)/m.exec(await read("docs/reliability.md")) ?? [];
  const told = [...table.matchAll(/^\| `([\w-]+)`/gm)].map(([, name]) => name);
  expect(told).toEqual(TARGETS.map(({ name }) => name));
});

test("every command of a page is a script, and every script is told of on a page", async () => {
  const { scripts } = (await Bun.file(join(ROOT, "package.json")).json()) as { scripts: Record<string, string> };
  const told = new Set<string>();
  for (const page of PAGES) {
    for (const [, name = ""] of (await read(page)).matchAll(/\bbun(?:@[\d.]+)? run ([a-z][\w-]*)/g)) told.add(name);
  }
  const own = Object.keys(scripts).filter((name) => !(name.startsWith("pre") && name.slice(3) in scripts));
  expect([...told].toSorted()).toEqual(own.toSorted());
});

test("a link to a heading and a title with quotes are read as they are meant", () => {
  expect(anchorsOf("# The protocol\n\n## Messages, `msg` and all\n")).toEqual(["the-protocol", "messages-msg-and-all"]);
  expect(withoutChance(['ann {"id":"x.1"}', 'bob {"re":"x.1"}'])).toEqual(
    withoutChance(['ann {"id":"y"}', 'bob {"re":"y"}']),
  );
});

/** The conversation that the page shows, as `name frame`, in the order in which it was written. */
async function converse(): Promise<string[]> {
  const world = createSimulatedWorld(1);
  const network = new SimulatedNetwork({ clock: world.clock });
  const written: string[] = [];
  const open = async (name: string, port: number): Promise<Peer> => {
    const id = testId(name);
    const heard = (link: Link): Link => {
      const write = link.write.bind(link);
      link.write = (bytes) => {
        const text = new TextDecoder().decode(bytes);
        for (const line of text.trimEnd().split("\n")) written.push(`${name} ${line}`);
        return write(bytes);
      };
      return link;
    };
    const inner = network.transport(id, name);
    const transport: Transport = {
      listen: (options, accept) => inner.listen(options, (link) => accept(heard(link))),
      dial: async (address, options) => heard(await inner.dial(address, options)),
      addresses: (host, at) => inner.addresses(host, at),
    };
    const info = { id, name, kind: name === "bob" ? ("bot" as const) : ("person" as const) };
    const store = openStore(":memory:", world.clock);
    return await Peer.open({ info, store, transport, world, log: silentLog, host: name, port });
  };
  const [ann, bob] = [await open("ann", 9_278), await open("bob", 9_279)];
  ann.on("message", () => {});
  bob.on("message", (message) => (message.text === "hello" ? message.reply("hello yourself") : undefined));
  const first = ann.send("bob:9279", "hello");
  await world.clock.advance(200);
  await first;
  network.cut();
  const second = ann.send(bob.id, "still there?");
  await world.clock.advance(500);
  await second;
  const end = ann.close();
  await world.clock.advance(50);
  await end;
  const ended = bob.close();
  await world.clock.advance(10_000);
  await ended;
  return written;
}

/** Lines with every random name replaced by its order of appearance, and every time by 0. */
function withoutChance(told: readonly string[]): unknown[] {
  const names = new Map<unknown, string>();
  return told.map((line) => {
    const space = line.indexOf(" ");
    const frame: unknown = JSON.parse(line.slice(space), (key, value: unknown) => {
      if (key === "at") return 0;
      if (
        typeof value !== "string" ||
        value === "" ||
        !["instance", "conn", "holds", "epoch", "id", "re"].includes(key)
      ) {
        return value;
      }
      const name = names.get(value) ?? `#${names.size}`;
      names.set(value, name);
      return name;
    });
    return [line.slice(0, space), frame];
  });
}

function anchorsOf(text: string): string[] {
  return [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-"),
  );
}

function files(pattern: string): string[] {
  return [...new Glob(pattern).scanSync(ROOT)];
}

async function read(path: string): Promise<string> {
  return await Bun.file(join(ROOT, path)).text();
}
