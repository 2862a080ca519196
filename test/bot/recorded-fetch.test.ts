import { expect, test } from "bun:test";
import { recordedFetch, requestOf } from "../../src/bot/recorded-fetch.ts";
import type { Recorded } from "../../src/bot/recording.ts";

const URL_TEXT = "https://api.example/weather";

/** What is written down of one answer, and what the bot gets. */
async function fetched(answer: () => Response): Promise<[said: string, lines: Recorded[]]> {
  const lines: Recorded[] = [];
  const fetch = recordedFetch(
    async () => await Promise.resolve(answer()),
    (line) => void lines.push(line),
  );
  const said = await fetch(URL_TEXT, { method: "post" }).then((response) => response.text(), String);
  await new Promise((resolve) => setImmediate(resolve));
  return [said.slice(0, 20), lines];
}

test("what the network answers reaches the bot, and is written down with its kind", async () => {
  const [said, lines] = await fetched(() => Response.json({ sky: "blue" }, { status: 201 }));
  expect(said).toBe('{"sky":"blue"}');
  const type = expect.stringContaining("application/json");
  expect(lines).toEqual([{ t: "fetched", of: `POST ${URL_TEXT}`, status: 201, type, body: '{"sky":"blue"}' }]);
});

test("a network that fails, and a body that is too long, are told as what they are", async () => {
  const [failed, lines] = await fetched(() => {
    throw new TypeError("the cable is cut");
  });
  expect([failed, lines]).toEqual([
    "TypeError: the cable",
    [{ t: "fetched", of: `POST ${URL_TEXT}`, error: "the cable is cut" }],
  ]);
  const [long, told] = await fetched(() => new Response("x".repeat(1_048_577)));
  expect([long, told]).toEqual(["x".repeat(20), [expect.objectContaining({ error: "over 1048576 bytes" })]]);
});

test("a request is known by its method and address, however it is made", () => {
  expect(requestOf(URL_TEXT)).toBe(`GET ${URL_TEXT}`);
  expect(requestOf(new URL(URL_TEXT), { method: "put" })).toBe(`PUT ${URL_TEXT}`);
  expect(requestOf(new Request(URL_TEXT, { method: "DELETE" }))).toBe(`DELETE ${URL_TEXT}`);
});
