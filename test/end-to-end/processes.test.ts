import { afterEach, beforeEach, expect, test } from "bun:test";
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Talker, type Line } from "./talker.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "warren-processes-"));
});
afterEach(() => rm(folder, { recursive: true }));

async function startPair(): Promise<{ ann: Talker; bob: Talker } & AsyncDisposable> {
  const [ann, bob] = await Promise.all([
    Talker.start("ann", join(folder, "ann")),
    Talker.start("bob", join(folder, "bob")),
  ]);
  const met = await ann.ask({ do: "meet", address: bob.address }, "met");
  expect(met.id).toBe(bob.id);
  return {
    ann,
    bob,
    async [Symbol.asyncDispose]() {
      await Promise.all([ann.kill(), bob.kill()]);
    },
  };
}

const numbers = (count: number): string[] => Array.from({ length: count }, (_, i) => String(i + 1));
const own = (lines: Line[]): string[] => lines.filter((line) => line.own).map(({ text }) => text);
const others = (lines: Line[]): string[] => lines.filter((line) => !line.own).map(({ text }) => text);

test("two processes that dial each other at the same moment, 1,000 times: one connection, nothing lost or doubled", async () => {
  await using pair = await startPair();
  const { ann, bob } = pair;
  const rounds = 1_000;
  const ts: number[] = []; let two = 0; let d = [0, 0];
  for (let n = 1; n <= rounds; n++) {
    const t0 = performance.now();
    const text = String(n);
    const arrived = [ann, bob].flatMap((talker) => [
      talker.next("heard", (event) => event.text === text),
      talker.next("receipt", ({ state }) => state === "handled"),
    ]);
    for (const talker of [ann, bob]) talker.say({ do: "cut" });
    ann.say({ do: "send", to: bob.id, text });
    bob.say({ do: "send", to: ann.id, text });
    await Promise.all(arrived);
    const l = await Promise.all([ann, bob].map(t => t.ask({ do: "links" }, "links")));
    if (l[0].count !== 1 || l[1].count !== 1) two++;
    if (n % 100 === 0) console.log(l.map(x => [x.count, x.dials]), two);
    ts.push(performance.now() - t0);
  }
  ts.sort((a, b) => a - b); console.log(ts[0], ts[500], ts[900], ts[990], ts[999], ts.reduce((a,b)=>a+b));
  expect(ann.heard).toEqual(numbers(rounds));
  expect(bob.heard).toEqual(numbers(rounds));
});
