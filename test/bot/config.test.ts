import { expect, test } from "bun:test";
import { z } from "zod";
import { givenInCode, parseConfig } from "../../src/bot/config.ts";
import { secret } from "../../src/bot/secret.ts";

const TOKEN = "hunter2-hunter2";
const config = z.object({
  url: z.url(),
  token: secret().min(8),
  port: z.number().max(65_535).default(80),
  feeds: z.array(z.string()).default([]),
});
const good = { url: "https://example.org", token: TOKEN };

const read = (given: Record<string, unknown>, schema: z.ZodObject = config) =>
  parseConfig({ name: "webhook", config: schema }, givenInCode(given));
/** Code and message of the failure, which is asked for secrets on the way. */
async function failure(given: Record<string, unknown>, schema?: z.ZodObject): Promise<string> {
  const error: unknown = await read(given, schema).catch((reason: unknown) => reason);
  expect(Bun.inspect(error)).not.toContain("hunter2");
  return error instanceof Error && "code" in error ? `${String(error.code)}: ${error.message}` : "none";
}

test("values are checked, and what is not given has its default", async () => {
  const { values } = await read(good);
  expect({ ...values }).toEqual({ ...good, port: 80, feeds: [] });
  expect(() => Object.assign(values, { port: 81 })).toThrow();
});

test("a configuration shows no secret, however it is printed", async () => {
  const { values } = await read(good);
  expect(values["token"]).toBe(TOKEN);
  const anything: unknown = values;
  const shown = [String(anything), JSON.stringify(values), JSON.stringify({ values }), Bun.inspect(values)];
  for (const text of [...shown, Bun.inspect([{ values }])]) {
    expect(text).toContain("•••");
    expect(text).not.toContain("hunter2");
    expect(text).toContain("https://example.org");
  }
});

test("a wrong value is told with its place, what was found and what was expected", async () => {
  expect(await failure({ ...good, port: 70_000 })).toBe(
    "CONFIG_INVALID: config.port given in code is 70000: Too big: expected number to be <=65535",
  );
  expect(await failure({ ...good, feeds: ["a", 7] })).toBe(
    "CONFIG_INVALID: config.feeds.1 given in code is 7: expected string, received number",
  );
  expect(await failure({ ...good, prot: 1 })).toBe(
    "CONFIG_INVALID: config.prot given in code is unknown: did you mean port?",
  );
  expect(await failure({ ...good, size: 1 })).toEndWith("is unknown: webhook takes url, token, port, feeds");
  expect(await failure({ url: good.url })).toBe(
    "CONFIG_INVALID: bots.webhook.token is missing: set token under [bots.webhook] in warren.toml, or WARREN_WEBHOOK_TOKEN in the environment",
  );
});

test("with nothing given, what is needed is named", async () => {
  expect(await failure({})).toBe(
    "CONFIG_MISSING: off until configured: set url, token under [bots.webhook] in warren.toml, or WARREN_WEBHOOK_URL, WARREN_WEBHOOK_TOKEN in the environment",
  );
  const { values } = await read({}, z.object({ every: z.string().default("1h") }));
  expect({ ...values }).toEqual({ every: "1h" });
});

test("no error repeats a secret, not even one in the author's words", async () => {
  expect(await failure({ ...good, token: "hunter2" })).toBe(
    "CONFIG_INVALID: config.token given in code is •••: Too small: expected string to have >=8 characters",
  );
  const chatty = secret().refine(() => false, { error: ({ input }) => `no, ${String(input)}!` });
  expect(await failure({ token: TOKEN }, z.object({ token: chatty }))).toEndWith("is •••: Invalid input");
  const root = z.object({ token: secret() }).refine(() => false, { error: ({ input }) => JSON.stringify(input) });
  expect(await failure({ token: TOKEN }, root)).toContain('will not do: {"token":"•••"}');
  const thrower = z.object({
    token: secret().transform((token) => {
      throw new Error(`bad ${token}`);
    }),
  });
  expect(await failure({ token: TOKEN }, thrower)).toContain("cannot be read: bad •••");
  const nested = z.object({ account: z.object({ token: secret().min(99) }) });
  expect(await failure({ account: { token: TOKEN } }, nested)).toStartWith(
    "CONFIG_INVALID: config.account.token given in code is •••: Too small",
  );
});

test("texts are covered as far as the configuration holds secrets, their defaults too", async () => {
  const withDefaults = await read({}, z.object({ user: z.string().default("ann"), token: secret().default("s3cret") }));
  expect(withDefaults.conceal("ann has s3cret")).toBe("ann has •••");
});

test("keys that are not declared are taken where the schema says so", async () => {
  expect({ ...(await read({ any: 1 }, z.looseObject({}))).values }).toEqual({ any: 1 });
});
