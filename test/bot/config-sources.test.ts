import { afterAll, beforeEach, expect, test } from "bun:test";
import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { type ConfigSources, readConfig } from "../../src/bot/config-sources.ts";
import { secret } from "../../src/bot/secret.ts";

const root = await mkdtemp(join(tmpdir(), "warren-config-"));
const [folder, home] = [join(root, "here"), join(root, "home")];
afterAll(() => rm(root, { recursive: true }));
beforeEach(async () => {
  await rm(root, { recursive: true, force: true });
  for (const place of [folder, home]) await mkdir(place, { recursive: true });
});

const config = z.object({
  url: z.string(),
  token: secret().optional(),
  maxAge: z.number().default(1),
  loud: z.boolean().default(false),
});

async function write(text: string, place = folder, mode = 0o600): Promise<void> {
  await writeFile(join(place, "warren.toml"), text);
  await chmod(join(place, "warren.toml"), mode);
}

/** The values, or the line about what is wrong, after the warnings. */
async function read(sources: Partial<ConfigSources> = {}, schema: z.ZodObject | undefined = config): Promise<unknown> {
  const warnings: string[] = [];
  const all = { folder, home, environment: {}, set: [], warn: (text: string) => void warnings.push(text), ...sources };
  const plugin = { name: "webhook", ...(schema && { config: schema }) };
  const result = await readConfig(plugin, all).then(
    ({ values }) => ({ ...values }),
    (error: unknown) => String(error).replace("WarrenError: ", ""),
  );
  return warnings.length === 0 ? result : [...warnings, result];
}

test("the file is overruled by the environment, and that by the command line; texts become the declared types", async () => {
  await write('[bots.webhook]\nurl = "file"\nmaxAge = 5\ntoken = "t"\n[bots.other]\nx = 1\n');
  expect(await read()).toEqual({ url: "file", token: "t", maxAge: 5, loud: false });
  const environment = { WARREN_WEBHOOK_URL: "env", WARREN_WEBHOOK_MAX_AGE: "7", WARREN_WEBHOOK_TOKEN: "" };
  expect(await read({ environment })).toEqual({ url: "env", token: "t", maxAge: 7, loud: false });
  expect(await read({ environment, set: ["webhook.url=a=b", "other.x=1", "webhook.loud=yes"] })).toEqual({
    url: "a=b",
    token: "t",
    maxAge: 7,
    loud: true,
  });
});

test("the file of this folder counts, else that of the home", async () => {
  await write('bots.webhook.url = "home"', home);
  expect(await read()).toMatchObject({ url: "home" });
  await write("bots.webhook.url = 7", home);
  expect(await read()).toBe(`bots.webhook.url in ${join(home, "warren.toml")} is 7: expected string, received number`);
  await write('bots.webhook.url = "here"');
  expect(await read()).toMatchObject({ url: "here" });
});

test("what is wrong is told with the place where it stands", async () => {
  const set = ["webhook.url=x"];
  await write('[bots.webhook]\nmaxAge = "5"\n');
  expect(await read({ set })).toBe('bots.webhook.maxAge in warren.toml is "5": expected number, received string');
  await write("[bots.webhook]\nmaxAgee = 5\n");
  expect(await read({ set })).toBe("bots.webhook.maxAgee in warren.toml is unknown: did you mean maxAge?");
  await write("[bot.webhook]\n");
  expect(await read()).toStartWith("bot in warren.toml is unknown: bots are configured under [bots.<name>]");
  await write("bots.webhook = 5\n");
  expect(await read()).toStartWith("bots.webhook in warren.toml is no table");
  await rm(join(folder, "warren.toml"));
  const environment = { WARREN_WEBHOOK_MAX_AGE: "old" };
  expect(await read({ environment, set })).toBe(
    'WARREN_WEBHOOK_MAX_AGE in the environment is "old": expected a number',
  );
  expect(await read({ environment: { WARREN_WEBHOOK_MAX_AEG: "5" }, set })).toBe(
    "WARREN_WEBHOOK_MAX_AEG in the environment is unknown: did you mean WARREN_WEBHOOK_MAX_AGE?",
  );
  expect(await read({ environment: { WARREN_WEBHOOK_FOR_GIT_COLOUR: "of another bot" }, set })).toMatchObject({});
  expect(await read({ set: ["webhook.loud=perhaps"] })).toBe(
    '--set webhook.loud on the command line is "perhaps": expected yes or no',
  );
});

test("a file that is no TOML is told with the line, and nothing of what stands in it", async () => {
  await write('[bots.webhook]\nurl = "x"\ntoken = hunter2\n');
  const line = await read();
  expect(line).toBe("warren.toml is not TOML, at line 3 or below: Strings must be quoted");
  await write("[bots.webhook]\ntoken hunter2\n");
  expect(await read()).toBe("warren.toml is not TOML, at line 2 or below: Expected '=' after a key");
});

test("a secret on the command line is refused, and the message does not repeat it", async () => {
  expect(await read({ set: ["webhook.token=hunter2"] })).toBe(
    "--set webhook.token is refused, as other users can see command lines: set WARREN_WEBHOOK_TOKEN in the environment, or token under [bots.webhook] in warren.toml",
  );
});

test("a file with a secret that others can read is warned about", async () => {
  await write('[bots.webhook]\nurl = "x"\ntoken = "hunter2"\n', folder, 0o640);
  expect(await read()).toEqual([
    "warren.toml holds the token of webhook and others can read it: chmod 600 warren.toml",
    expect.objectContaining({ url: "x" }),
  ]);
  await write('[bots.webhook]\nurl = "x"\n', folder, 0o644);
  expect(await read()).toMatchObject({ url: "x" });
});

test("a table under a name that is nearly the bot's is pointed out", async () => {
  await write('[bots.webhok]\nurl = "x"\n');
  expect(await read()).toEndWith("(what is set there is for webhok: is webhook meant?)");
});

test("a bot without a configuration is kept off by no file, and takes nothing by --set", async () => {
  await write("broken = = \n");
  expect(await read({}, z.object({}))).toStartWith("warren.toml is not TOML");
  const plain = { name: "dice" };
  const sources = { folder, home, environment: {}, warn: () => {} };
  expect({ ...(await readConfig(plain, { ...sources, set: [] })).values }).toEqual({});
  expect(readConfig(plain, { ...sources, set: ["dice.sides=6"] })).rejects.toThrow(
    "--set dice.sides on the command line is unknown: dice takes no configuration",
  );
});
