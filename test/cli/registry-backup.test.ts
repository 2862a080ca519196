import { expect, test } from "bun:test";
import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { backUpRegistry, restoreRegistry } from "../../src/cli/registry-backup.ts";
import { createIdentity } from "../../src/identity/identity.ts";
import { startRegistry } from "../../src/registry/server.ts";
import { makeRecord, RawSession, temporaryFolder } from "../registry/setting.ts";

const ann = await createIdentity();
const ben = await createIdentity();

/** Takes the name, and says what it was told. */
async function claim(url: string, who: typeof ann, name: string): Promise<string> {
  using session = new RawSession(url);
  const answer = await session.logIn(who, { record: await makeRecord(who, { name }) });
  return answer.t === "error" ? answer.code : answer.t;
}

const refused = async (folder: string, path: string, force: boolean): Promise<unknown> =>
  await restoreRegistry(folder, path, force).catch((error: unknown) => error);

const start = (folder: string) => startRegistry({ folder, port: 0 });

test("a registry is backed up while it runs, and another machine goes on with its key and its names", async () => {
  await using one = await temporaryFolder();
  await using two = await temporaryFolder();
  const file = join(one.path, "copy.backup");
  const folder = join(two.path, "registry");
  await using registry = await start(one.path);
  expect(await claim(registry.url, ann, "fox")).toBe("welcome");
  expect(await backUpRegistry(one.path, file)).toMatch(/copy\.backup: \d+ bytes, with the key of the registry/);
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect(await restoreRegistry(folder, file, false)).toMatch(/^the registry is as it was at 2/);
  await using again = await start(folder);
  expect(again.id).toBe(registry.id);
  expect(await claim(again.url, ben, "fox")).toBe("NAME_TAKEN");
  for (const part of ["key.pem", "registry.sqlite"]) expect((await stat(join(folder, part))).mode & 0o777).toBe(0o600);
});

test("a backup never takes the place of a file, and there is none of a registry that never was", async () => {
  await using folder = await temporaryFolder();
  const nobody = await backUpRegistry(folder.path, join(folder.path, "copy")).catch((error: unknown) => error);
  expect(nobody).toMatchObject({ code: "USAGE" });
  await (await start(folder.path))[Symbol.asyncDispose]();
  const file = join(folder.path, "copy");
  await writeFile(file, "mine");
  const taken = await backUpRegistry(folder.path, file).catch((error: unknown) => error);
  expect(taken).toMatchObject({ code: "BACKUP_UNWANTED" });
  expect(await readFile(file, "utf8")).toBe("mine");
});

test("restoring is refused while the registry runs, over another one without --force, and from what is no backup of one", async () => {
  await using one = await temporaryFolder();
  await using two = await temporaryFolder();
  const file = join(one.path, "copy");
  const registry = await start(one.path);
  await claim(registry.url, ann, "fox");
  await backUpRegistry(one.path, file);
  expect(await refused(one.path, file, true)).toMatchObject({ message: expect.stringContaining("is running") });
  await registry[Symbol.asyncDispose]();
  const other = await start(two.path);
  await other[Symbol.asyncDispose]();
  expect(await refused(two.path, file, false)).toMatchObject({ message: expect.stringContaining("the other key") });
  await writeFile(join(two.path, "rubbish"), "x");
  expect(await refused(two.path, join(two.path, "rubbish"), true)).toMatchObject({ code: "BACKUP_INVALID" });
  expect(await refused(two.path, join(two.path, "nowhere"), true)).toMatchObject({ code: "BACKUP_INVALID" });
  {
    await using untouched = await start(two.path);
    expect(untouched.id).toBe(other.id);
  }
  expect(await restoreRegistry(two.path, file, true)).toContain("as it was");
  await using restored = await start(two.path);
  expect(restored.id).toBe(registry.id);
});
