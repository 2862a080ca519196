import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdir, mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  identityNames,
  keepLastName,
  keepSettings,
  lastName,
  nextName,
  personFolder,
  readSettings,
} from "../../src/cli/identities.ts";

let home = "";
beforeEach(async () => void (home = await mkdtemp(join(tmpdir(), "warren-home-"))));
afterEach(() => rm(home, { recursive: true }));

test("a new home knows nobody", async () => {
  expect(await identityNames(join(home, "not-there"))).toEqual([]);
  expect(await lastName(home)).toBeUndefined();
  expect(await readSettings(home, "ann")).toBeUndefined();
});

test("the last name and the settings are kept, in private files", async () => {
  await keepLastName(home, "ann");
  await keepSettings(home, "ann", { port: 0 });
  expect(await lastName(home)).toBe("ann");
  expect(await readSettings(home, "ann")).toEqual({ port: 0 });
  expect((await stat(join(personFolder(home, "ann"), "settings.json"))).mode & 0o777).toBe(0o600);
});

test("an identity is there once it has a key", async () => {
  await mkdir(personFolder(home, "bob"), { recursive: true });
  await mkdir(personFolder(home, "ann"), { recursive: true });
  await writeFile(join(personFolder(home, "ann"), "key.pem"), "");
  expect(await identityNames(home)).toEqual(["ann"]);
});

test("damaged settings count as none", async () => {
  await mkdir(personFolder(home, "ann"), { recursive: true });
  for (const text of ["{", "7", '{"port":"9278"}', '{"port":70000}']) {
    await writeFile(join(personFolder(home, "ann"), "settings.json"), text);
    expect(await readSettings(home, "ann")).toBeUndefined();
  }
});

test("a name that is offered is free and not too long", () => {
  expect(nextName("ann", ["ann", "ann-2"])).toBe("ann-3");
  expect(nextName("a".repeat(32), [])).toBe(`${"a".repeat(28)}-2`);
});
