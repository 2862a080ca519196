/** The rules of the house (docs/architecture.md), read off the source files. Each rule is also shown to be able to fail. */
import { Glob } from "bun";
import { expect, test } from "bun:test";
import { dirname, join, normalize } from "node:path";

const ROOT = join(import.meta.dir, "..");
const MAX_LINES = 400;

/** Rows, lowest first. An import stays in its place or goes to a lower row; places in one row do not know each other. */
const ROWS = [
  ["src/base"],
  ["src/wire", "src/store", "src/identity"],
  ["src/peer", "src/registry"],
  ["src/bot"],
  ["src/warren.ts"],
  ["src/index.ts", "src/testing.ts", "src/testing", "src/cli"],
];

/** Who may import what comes from outside. What is not listed may be imported by nobody; tests may import all that is. */
const OUTSIDE: Record<string, readonly string[]> = {
  commander: ["src/cli/"],
  nanoid: ["src/base/world.ts"],
  zod: ["src/bot/", "src/registry/", "src/index.ts"],
  "@nats-io/transport-node": ["src/registry/nats.ts"],
  "@nats-io/jetstream": ["src/registry/nats-journal.ts"],
  jose: ["src/registry/statement.ts"],
  "bun:sqlite": [
    "src/registry/store-copy.ts",
    "src/store/database.ts",
    "src/registry/facts.ts",
    "src/registry/local-store.ts",
    "src/registry/local-door.ts",
    "src/registry/registry-database.ts",
    "src/registry/tables.ts",
    "src/base/file-lock.ts",
  ],
  "node:net": ["src/cli/start.ts", "src/testing/beginnings.ts"], // looks whether a port is free; watches what bots begin
  "node:http": ["src/testing/beginnings.ts"],
  warren: ["bots/"],
  "fast-check": [],
  "@peculiar/x509": [],
  "reflect-metadata": [],
  "bun:test": [],
  "node:tls": [],
  "node:child_process": [],
};
/** Of the runtime, and harmless: files, paths, the machine. */
const ANYWHERE =
  /^(?:bun|node:(?:async_hooks|buffer|crypto|fs|fs\/promises|os|path|readline|readline\/promises|stream|tty|url|util))$/;

/** Calls that belong to one place each, and where that is. */
const CALLS: readonly [what: RegExp, where: readonly string[]][] = [
  [/\bBun\.(?:listen|udpSocket)\s*[<(]/, ["src/peer/tls.ts", "src/cli/control.ts"]],
  [/\bBun\.connect\s*[<(]/, ["src/peer/tls.ts", "src/cli/running.ts", "src/registry/dial-back.ts"]],
  [/\bBun\.serve\s*[<(]/, ["src/registry/server.ts", "bots/webhook.ts"]],
  [/\bnew Worker\(/, ["src/bot/worker-link.ts"]],
  [/\bBun\.spawn(?:Sync)?\(/, ["src/cli/bots-process.ts", "bots/watch.ts"]],
  // Bots are given `bot.fetch`, which a test answers.
  [/(?:\bawait|\breturn|=>|[=(,])\s*fetch\(/, ["src/cli/local-registry.ts", "src/registry/lookup.ts"]],
  // Time and chance are passed in, so that all of it runs in a simulation too.
  [
    /\b(?:Date\.now|performance\.now|Math\.random|set(?:Timeout|Interval|Immediate))\(/,
    ["src/base/world.ts", "src/testing/manual-clock.ts"],
  ],
];

type Sources = Readonly<Record<string, string>>;

test("imports go to a lower row or stay in their place", async () => {
  expect(layerFaults(await sources())).toEqual([]);
});

test("an import to a higher row, to a neighbour, of a face or from outside of src is found, type imports too", () => {
  expect(layerFaultsOf("src/peer/a.ts", "../registry/b.ts")).toEqual(["src/peer/a.ts imports src/registry/b.ts"]);
  expect(layerFaultsOf("src/base/a.ts", "../peer/b.ts")).toHaveLength(1);
  expect(layerFaultsOf("src/cli/a.ts", "../index.ts")).toHaveLength(1);
  expect(layerFaultsOf("src/testing/a.ts", "../cli/b.ts")).toHaveLength(1);
  expect(layerFaultsOf("src/warren.ts", "./testing.ts")).toHaveLength(1);
  expect(layerFaultsOf("src/cli/a.ts", "../../test/b.ts")).toHaveLength(1);
  expect(layerFaultsOf("bots/a.ts", "../src/peer/b.ts")).toHaveLength(1);
  expect(layerFaultsOf("bots/a.ts", "./other.ts")).toHaveLength(1);
  expect(layerFaultsOf("src/unheard/a.ts", "../base/b.ts")).toEqual(["src/unheard/a.ts has no row"]);
  expect(layerFaultsOf("src/peer/a.ts", "../wire/b.ts")).toEqual([]);
  expect(layerFaultsOf("src/testing.ts", "./testing/b.ts")).toEqual([]);
  expect(layerFaultsOf("test/peer/a.test.ts", "../../src/cli/b.ts")).toEqual([]);
});

test("no file imports itself, by whatever way round", async () => {
  expect(cycles(await sources())).toEqual([]);
});

test("a cycle is found, also one of types alone, of exports, or of an import that is made later", () => {
  expect(cyclesThrough('export type { A } from "./a.ts";\n')).toEqual(["src/a.ts > src/b.ts > src/c.ts > src/a.ts"]);
  expect(cyclesThrough('export const a = async () => await import("./a.ts");\n')).toHaveLength(1);
  expect(cyclesThrough('export type A = import("./a.ts").A;\n')).toHaveLength(1);
  expect(cyclesThrough('export * from "./a.ts";\n')).toHaveLength(1);
  expect(cyclesThrough('// import { a } from "./a.ts";\nconst text = `import("./a.ts")`;\n')).toEqual([]);
});

test("what comes from outside is imported in its one place, and no folder has an index", async () => {
  expect(outsideFaults(await sources())).toEqual([]);
});

test("an import that is not in the table, or not where it belongs, is found, and so is an index", () => {
  expect(outsideFaultsOf("src/bot/a.ts", 'import { Command } from "commander";\n')).toEqual([
    "src/bot/a.ts imports commander",
  ]);
  expect(outsideFaultsOf("src/cli/a.ts", 'const { z } = await import("zod");\n')).toHaveLength(1);
  expect(outsideFaultsOf("src/registry/a.ts", 'import { CompactSign } from "jose/jws/compact/sign";\n')).toHaveLength(
    1,
  );
  expect(outsideFaultsOf("src/peer/a.ts", 'import "left-pad";\n')).toHaveLength(1);
  expect(outsideFaultsOf("src/peer/a.ts", 'import { connect } from "node:tls";\n')).toHaveLength(1);
  expect(outsideFaultsOf("src/cli/a.ts", 'import { openPeer } from "warren";\n')).toHaveLength(1);
  expect(outsideFaultsOf("bots/a.ts", 'import { z } from "zod";\n')).toHaveLength(1);
  expect(outsideFaultsOf("test/a.test.ts", 'import lodash from "lodash";\n')).toHaveLength(1);
  expect(outsideFaultsOf("test/a.test.ts", 'import { z } from "zod";\n')).toEqual([]);
  expect(outsideFaultsOf("src/peer/index.ts", "")).toEqual(["src/peer/index.ts is an index"]);
});

test("sockets, servers, workers, processes, time and chance are each reached for in one place", async () => {
  expect(callFaults(await sources())).toEqual([]);
});

test("a call that belongs elsewhere is found, a word about it is not", () => {
  const found = (source: string): string[] => callFaults({ "src/peer/a.ts": source });
  expect(found("const server = Bun.listen<Slot>({});")).toEqual(["src/peer/a.ts: Bun.listen<"]);
  expect(found("Bun.serve({ fetch });")).toHaveLength(1);
  expect(found("const now = Date.now();")).toHaveLength(1);
  expect(found("const timer = setTimeout(run, 5);")).toHaveLength(1);
  expect(found("const page = await fetch(url);")).toHaveLength(1);
  expect(found("const page = await bot.fetch(url);")).toEqual([]);
  expect(callFaults({ "bots/a.ts": "run: () => fetch(url)," })).toEqual(["bots/a.ts: => fetch("]);
  expect(found("// a wall clock such as Date.now() may jump")).toEqual([]);
  expect(callFaults({ "test/a.test.ts": "Bun.serve({ fetch });" })).toEqual([]);
});

test(`no source file is longer than ${MAX_LINES} lines`, async () => {
  expect(tooLong(await sources())).toEqual([]);
});

test("a file that is too long is named with its length", () => {
  expect(tooLong({ "src/a.ts": "x\n".repeat(MAX_LINES), "src/b.ts": "x\n".repeat(MAX_LINES + 1) })).toEqual([
    "src/b.ts: 401",
  ]);
});

test("dependencies are pinned to the version", async () => {
  const manifest = await Bun.file(join(ROOT, "package.json")).json();
  expect(loose({ ...manifest.dependencies, ...manifest.devDependencies })).toEqual([]);
  expect(loose({ a: "^1.0.0", b: "1.x", c: "latest", d: "1.0.0-rc.1", e: "1.2.3" })).toEqual(["a", "b", "c"]);
});

test("no file says where packages are to be had: that is for the machine that installs them", async () => {
  const all = [...new Glob("{*,.*,{src,bots,test,docs,bench,.ci,.github}/**/*}").scanSync({ cwd: ROOT, dot: true })];
  const named = await Promise.all(
    all.map(async (file) => (namesHost(await Bun.file(join(ROOT, file)).text()) ? file : "")),
  );
  expect(named.filter(Boolean)).toEqual([]);
  expect(namesHost(`"https://${["registry", "npmjs", "org"].join(".")}/zod/-/zod-4.tgz"`)).toBe(true);
  expect(namesHost(`[install]\n${["registry", '"http://10.0.0.1/"'].join(" = ")}`)).toBe(true);
  expect(namesHost("the registry at http://127.0.0.1:9277")).toBe(false);
});

function layerFaultsOf(file: string, target: string): string[] {
  return layerFaults({ [file]: `import type { A } from "${target}";\n` });
}

function outsideFaultsOf(file: string, source: string): string[] {
  return outsideFaults({ [file]: source });
}

/** Three files, the last of which is `back`. */
function cyclesThrough(back: string): string[] {
  const [a, b] = ['import { b } from "./b.ts";\n', 'import type {\n  C,\n} from "./c.ts";\n'];
  return cycles({ "src/a.ts": a, "src/b.ts": b, "src/c.ts": back });
}

function layerFaults(all: Sources): string[] {
  return edges(all).flatMap(([from, to]) => {
    if (from.startsWith("test/") || from.startsWith("bench/")) return [];
    if (from.startsWith("src/") && rowOf(from) === -1) return [`${from} has no row`];
    const isFine = from.startsWith("src/") && (placeOf(from) === placeOf(to) || isBelow(from, to) || isKit(from, to));
    return isFine ? [] : [`${from} imports ${to}`];
  });
}

function isBelow(from: string, to: string): boolean {
  return rowOf(to) !== -1 && rowOf(to) < rowOf(from);
}

/** The one face that is made of another: `warren/testing` names what is in its folder. */
function isKit(from: string, to: string): boolean {
  return from === "src/testing.ts" && to.startsWith("src/testing/");
}

function placeOf(file: string): string {
  return /^src\/[^/]+/.exec(file)?.[0] ?? file;
}

function rowOf(file: string): number {
  return ROWS.findIndex((places) => places.includes(placeOf(file)));
}

function cycles(all: Sources): string[] {
  const next = Map.groupBy(edges(all), ([from]) => from);
  const done = new Set<string>();
  const found: string[] = [];
  const visit = (file: string, path: readonly string[]): void => {
    const seen = path.indexOf(file);
    if (seen !== -1) found.push([...path.slice(seen), file].join(" > "));
    if (seen !== -1 || done.has(file)) return;
    for (const [, to] of next.get(file) ?? []) visit(to, [...path, file]);
    done.add(file);
  };
  for (const file of Object.keys(all)) visit(file, []);
  return found;
}

function outsideFaults(all: Sources): string[] {
  const strangers = Object.entries(all).flatMap(([file, source]) =>
    importsOf(source)
      .filter((target) => !target.startsWith(".") && !ANYWHERE.test(target) && !mayImport(file, target))
      .map((target) => `${file} imports ${target}`),
  );
  const indexes = Object.keys(all).filter((file) => file.endsWith("/index.ts") && file !== "src/index.ts");
  return [...strangers, ...indexes.map((file) => `${file} is an index`)];
}

function mayImport(file: string, target: string): boolean {
  const name = Object.keys(OUTSIDE).find((one) => target === one || target.startsWith(`${one}/`));
  if (name === undefined) return false;
  if (file.startsWith("test/") || file.startsWith("bench/")) return true;
  return OUTSIDE[name]?.some((place) => file === place || (place.endsWith("/") && file.startsWith(place))) ?? false;
}

function callFaults(all: Sources): string[] {
  return Object.entries(all).flatMap(([file, source]) =>
    CALLS.filter(([, where]) => /^(?:src|bots)\//.test(file) && !where.includes(file)).flatMap(([what]) => {
      const call = what.exec(source.replace(/^\s*(?:\/\/|\/?\*).*$|\s\/\/ .*$/gm, ""));
      return call ? [`${file}: ${call[0]}`] : [];
    }),
  );
}

function tooLong(all: Sources): string[] {
  return Object.entries(all)
    .filter(([file]) => !file.startsWith("test/")) // one for each source file: its length is that file's matter
    .map(([file, source]) => [file, source.split("\n").length - 1] as const)
    .filter(([, lines]) => lines > MAX_LINES)
    .map(([file, lines]) => `${file}: ${lines}`);
}

function loose(versions: Readonly<Record<string, string>>): string[] {
  return Object.keys(versions).filter((name) => !/^\d+\.\d+\.\d+(?:-[\w.]+)?$/.test(versions[name] ?? ""));
}

function namesHost(text: string): boolean {
  return /registry\.(?:npmjs|yarnpkg)\.|^\s*registry\s*=|\.tgz"/m.test(text);
}

/** Who imports whom, among the files that are there or should be. */
function edges(all: Sources): [from: string, to: string][] {
  return Object.entries(all).flatMap(([file, source]) =>
    importsOf(source)
      .filter((target) => target.startsWith("."))
      .map((target): [string, string] => [file, normalize(join(dirname(file), target))]),
  );
}

const transpiler = new Bun.Transpiler({ loader: "ts" });

/**
 * Everything that a file names to import. The transpiler knows strings from code but drops what is only a type, so
 * statements are found by their form, too: they begin a line, because the formatter sees to it.
 */
function importsOf(source: string): string[] {
  const scanned = transpiler.scanImports(source).map(({ path }) => path);
  const statements = source.matchAll(/^(?:import|export)\s[^;"]*?\bfrom\s+"([^"]+)";/gm);
  const types = source.matchAll(/(?:=|:|<|\||&|typeof)\s*import\("([^"]+)"\)/g);
  return [...new Set([...scanned, ...[...statements, ...types].map(([, target]) => target ?? "")])];
}

async function sources(): Promise<Sources> {
  const files = [...new Glob("{src,bots,test,bench}/**/*.ts").scanSync(ROOT)].sort();
  return Object.fromEntries(
    await Promise.all(files.map(async (file) => [file, await Bun.file(join(ROOT, file)).text()])),
  );
}
