import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { controlPath } from "../../src/cli/control-path.ts";

let folder = "";
beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), "warren-control-"))));
afterEach(() => rm(folder, { recursive: true }));

test("the socket is in the identity's folder", () => {
  expect(controlPath(folder, true)).toBe(join(folder, "control.sock"));
});

test("a folder whose path is too long for a socket gets one in a private folder", () => {
  const [deep, other] = [join(folder, "d".repeat(120)), join(folder, "e".repeat(120))];
  expect(Buffer.byteLength(controlPath(deep, true))).toBeLessThan(100);
  expect(controlPath(other, false)).not.toBe(controlPath(deep, false));
});

test("a folder of that name that somebody else could have made is refused", async () => {
  const temporary = process.env["TMPDIR"];
  try {
    process.env["TMPDIR"] = folder;
    const uid = process.getuid?.() ?? 0;
    await symlink(tmpdir(), join(folder, `warren-${uid}`));
    expect(() => controlPath("x".repeat(120), false)).toThrow("is not a private folder of yours");
  } finally {
    if (temporary === undefined) delete process.env["TMPDIR"];
    else process.env["TMPDIR"] = temporary;
  }
});
