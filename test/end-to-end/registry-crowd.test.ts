import { expect, test } from "bun:test";
import { fileURLToPath } from "node:url";

const PROGRAM = fileURLToPath(new URL("registry-crowd.ts", import.meta.url));

test("a crowd registers at one registry, is found and told of, and comes back after its end and its death", async () => {
  const flags = ["--short", "--peers", "40", "--at-once", "30", "--back", "40", "--crowds", "1"];
  const child = Bun.spawn([process.execPath, PROGRAM, ...flags], { stdout: "pipe", stderr: "pipe" });
  const [out, err, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  expect([err, code]).toEqual(["", 0]);
  expect(out).toMatch(/^registration +30 peers that stay in /);
  expect(out).toMatch(/^records +40 are held, 30 online and 10 offline: /m);
  expect(out.match(/all after [\d.]+ s$/gm)).toHaveLength(2);
}, 60_000);
