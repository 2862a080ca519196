import { expect, test } from "bun:test";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { configFiles, configHash } from "../../src/bot/config-file.ts";

test("the fingerprint of the config files tells when one comes, changes or goes, and which", async () => {
  const folder = await mkdtemp(join(tmpdir(), "warren-config-file-"));
  const files = configFiles(folder, join(folder, "home"));
  const seen = [configHash(files)];
  const look = (): void => void seen.push(configHash(files));
  await writeFile(join(folder, "warren.toml"), "");
  look();
  await writeFile(join(folder, "warren.toml"), "[bots.tea]\n");
  look();
  expect(new Set(seen).size).toBe(3);
  expect(configHash(files.toReversed())).not.toBe(configHash(files));
  await rm(folder, { recursive: true });
  expect(configHash(files)).toBe(String(seen[0]));
});
