import { expect, test } from "bun:test";
import { z } from "zod";
import { concealing, holdsSecret, secret, secretsIn } from "../../src/bot/secret.ts";

const schemaOf = (schema: z.ZodType): unknown => z.toJSONSchema(schema, { io: "input", unrepresentable: "any" });

test("a secret stays one whatever is asked of it, and wherever it stands", () => {
  const secrets = [secret(), secret().min(8), secret().optional(), secret().default("x"), secret().transform(Number)];
  for (const one of secrets) expect(holdsSecret(schemaOf(one))).toBe(true);
  expect(holdsSecret(schemaOf(z.array(z.object({ key: secret() }))))).toBe(true);
  expect(holdsSecret(schemaOf(z.object({ key: z.string() })))).toBe(false);
});

test("the secrets in a value are found by its schema", () => {
  const schema = z.object({
    user: z.string(),
    key: secret(),
    more: z.array(secret()),
    byName: z.record(z.string(), secret()),
    either: z.union([secret(), z.number()]),
    pair: z.tuple([z.string(), secret()]),
  });
  const value = { user: "ann", key: "k1", more: ["k2"], byName: { a: "k3" }, either: "k4", pair: ["x", "k5"] };
  expect(secretsIn(schemaOf(schema), value)).toEqual(["k1", "k2", "k3", "k4", "k5"]);
});

test("a text shows no secret, also where one begins another, and in an address", () => {
  expect(concealing(["a/b", "a/b/c"])("GET /?key=a%2Fb&all=a/b/c")).toBe("GET /?key=•••&all=•••");
  expect(concealing([""])("nothing")).toBe("nothing");
});
