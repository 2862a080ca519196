import { expect, test } from "bun:test";
import { createTestWarren, type TestWarren } from "warren/testing";
import assistant from "../../bots/assistant.ts";
import { givenInCode, parseConfig } from "../../src/bot/config.ts";
import { attachPlugin } from "../../src/bot/host.ts";
import { FakePeer } from "../bot/fake-peer.ts";
import { testId } from "../peer/burrow.ts";

const URL = "POST https://ai.example/v1/chat/completions";
const config = { assistant: { url: "https://ai.example/v1/", model: "tiny", key: "s3cret", prompt: "be brief" } };

const event = (content: string): string => `data: ${JSON.stringify({ choices: [{ delta: { content } }] })}\n\n`;
const DONE = "data: [DONE]\n\n";

/** A body that comes in pieces, with some time between them. */
function slowly(warren: TestWarren, ...pieces: (string | Uint8Array)[]): Response {
  async function* write(): AsyncGenerator<string | Uint8Array> {
    for (const piece of pieces) {
      yield piece;
      await warren.clock.sleep(200);
    }
  }
  return new Response(write());
}

/** Somebody who talks to the assistant, and a service that answers with the texts that it is given, or repeats. */
async function open(given: Readonly<Record<string, unknown>> = config.assistant) {
  const warren = await createTestWarren({ plugins: [assistant], config: { assistant: given } });
  warren.http.on(URL, async (request) => {
    const { messages } = (await request.json()) as { messages: { content: string }[] };
    return new Response([event("you said: "), event(messages.at(-1)?.content ?? ""), DONE].join(""));
  });
  const ann = warren.person("ann");
  const ask = async (text: string) => await ann.says(text, { to: "assistant" });
  const asked = (): unknown => JSON.parse(warren.http.requests.at(-1)?.body ?? "");
  return { warren, ann, ask, asked, [Symbol.asyncDispose]: () => warren[Symbol.asyncDispose]() };
}

test("an answer is read while it comes; the service is told what was said before, until that is forgotten", async () => {
  await using scene = await open();
  const { warren, ann, ask, asked } = scene;
  warren.http.on(URL, () => slowly(warren, event("A warren"), event(" is"), event(" many burrows.") + DONE));
  await ask("help me: what is a warren?");
  expect(ann.drafts).toEqual(["A warren", "A warren is"]);
  expect(ann.heard).toEqual(["A warren is many burrows."]);
  expect(warren.http.requests[0]?.headers.get("authorization")).toBe("Bearer s3cret");
  await warren.restart("assistant");
  await ask("and a burrow?");
  const system = { role: "system", content: "be brief" };
  const turns = [
    { role: "user", content: "help me: what is a warren?" },
    { role: "assistant", content: "A warren is many burrows." },
    { role: "user", content: "and a burrow?" },
  ];
  expect(asked()).toEqual({ model: "tiny", stream: true, messages: [system, ...turns] });
  await warren.person("bob").says("hi", { to: "assistant" });
  expect(asked()).toMatchObject({ messages: [system, { content: "hi" }] }); // each has a conversation of their own
  await ask("forget");
  await ask("hello");
  expect(ann.heard.at(-2)).toBe("we begin anew");
  expect(asked()).toMatchObject({ messages: [system, { content: "hello" }] });
});

test("the events are read however the bytes are cut", async () => {
  await using scene = await open();
  const { warren, ann, ask } = scene;
  const usage = 'data: {"choices":[],"usage":{"total_tokens":7}}\r\n\r\n';
  const role = 'data:{"choices":[{"delta":{"role":"assistant","content":null}}]}\n\n';
  const stream = `: hold on\n\n${role}${event("grüß ").replaceAll("\n", "\r\n")}${event("€ dich")}${usage}${DONE}`;
  const bytes = new TextEncoder().encode(stream);
  for (let cut = 0; cut <= bytes.byteLength; cut++) {
    warren.http.on(URL, () => slowly(warren, bytes.subarray(0, cut), bytes.subarray(cut)));
    await ask("hi");
    expect(ann.heard.at(-1)).toBe("grüß € dich");
  }
});

test("when the service fails, the person is told so in a sentence, and nothing is remembered", async () => {
  await using scene = await open();
  const { warren, ann, ask, asked } = scene;
  const failures: [failure: () => Response | Promise<Response>, excuse: string][] = [
    [() => new Response("no", { status: 401 }), "the service does not take my key: tell whoever runs me"],
    [() => new Response("no", { status: 429 }), "the service has too much to do just now: try again in a minute"],
    [() => new Response("no", { status: 500 }), "the service is out of order (500)"],
    [() => Response.error(), "the answer broke off: ask me again"],
    [() => slowly(warren, event("I think")), "the answer broke off: ask me again"],
    [() => slowly(warren, event("I think"), 'data: {"error":{}}\n\n'), "the answer broke off: ask me again"],
    [() => slowly(warren, ...Array<string>(300).fill("x".repeat(50_000))), "the answer broke off: ask me again"],
    [() => slowly(warren, event("x".repeat(65_537)), DONE), "the answer broke off: ask me again"],
    [() => new Response(DONE), "the model has nothing to say to that"],
  ];
  for (const [failure, excuse] of failures) {
    warren.http.on(URL, failure);
    expect(await ask("a question")).toMatchObject({ state: "handled" });
    expect(ann.heard.at(-1)).toBe(excuse);
  }
  expect(ann.drafts).toEqual(["I think", "", "I think", ""]);
  expect(asked()).toMatchObject({ messages: [{ role: "system" }, { content: "a question" }] });
  expect(warren.errors).toEqual([]);
});

test("of a long conversation the end is remembered, and not more than 40,000 characters of it", async () => {
  await using scene = await open();
  const { ask, asked } = scene;
  for (let n = 1; n <= 15; n++) await ask(`question ${n}`);
  const sent = asked() as { messages: { content: string }[] };
  expect(sent.messages).toHaveLength(1 + 20 + 1);
  expect(sent.messages[1]?.content).toBe("question 5");
  for (let n = 1; n <= 4; n++) await ask("x".repeat(9_000));
  expect(JSON.stringify(asked()).length).toBeLessThan(55_000);
  await ask("x".repeat(30_000));
  await ask("short");
  expect(asked()).toMatchObject({ messages: [{ role: "system" }, { content: "short" }] });
});

test("an answer that a crash breaks off begins again, is heard once, and is remembered once", async () => {
  await using scene = await open();
  const { warren, ann, ask, asked } = scene;
  const started = Promise.withResolvers<void>();
  warren.http.on(URL, () => {
    started.resolve();
    return slowly(warren, event("it is "), event("never "), event("whole"), DONE);
  });
  const asking = ask("what is it?");
  await started.promise;
  warren.http.on(URL, () => slowly(warren, event("it is "), event("a pipe"), DONE));
  await warren.restart("assistant");
  await asking;
  expect(ann.heard).toEqual(["it is a pipe"]);
  await ask("really?");
  expect(asked()).toMatchObject({ messages: [{}, {}, { content: "it is a pipe" }, { content: "really?" }] });
});

test("when the bot ends in the middle of an answer, it goes on with the message when it is back", async () => {
  await using scene = await open();
  const { warren, ann, ask } = scene;
  const started = Promise.withResolvers<void>();
  warren.http.on(URL, () => {
    started.resolve();
    return slowly(warren, event("one "), event("two "), event("three"), DONE);
  });
  const asking = ask("count");
  await started.promise;
  await warren.reload("assistant", assistant);
  await asking;
  expect(ann.heard).toEqual(["one two three"]);
});

test("it is off until it is configured, takes a service without a key, and answers those alone whom it may", async () => {
  const error = await createTestWarren({ plugins: [assistant] }).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: "CONFIG_MISSING", message: expect.stringContaining("set url, model") });
  await using scene = await open({ url: "https://ai.example/v1", model: "tiny", allow: [testId("somebody")] });
  const { warren, ann, ask } = scene;
  await ask("may I?");
  expect(ann.heard).toEqual(["answers with a language model (commands: forget, help)"]);
  expect(warren.http.requests).toEqual([]);
  const { key: _, ...keyless } = config.assistant;
  await using other = await open(keyless);
  await other.ask("hi");
  expect(other.ann.heard).toEqual(["you said: hi"]);
  expect(other.warren.http.requests[0]?.headers.get("authorization")).toBeNull();
});

test("nothing that was said, and no key, gets into the log", async () => {
  const peer = new FakePeer("assistant");
  const answers = [
    new Response("your key s3cret and what you said: psst", { status: 400 }),
    new Response(`data: {"psst":\n\n`),
    new Response(event("psst") + DONE),
  ];
  const fetch = async (): Promise<Response> => await Promise.resolve(answers.shift() ?? Response.error());
  await attachPlugin(assistant, peer, { fetch, config: await parseConfig(assistant, givenInCode(config.assistant)) });
  for (let n = 1; n <= 3; n++) await peer.hear("psst");
  expect(peer.sent.map(({ text }) => text)).toEqual([
    "the service is out of order (400)",
    "the answer broke off: ask me again",
    "psst",
  ]);
  expect(peer.logged.length).toBe(2);
  expect(peer.logged.join()).not.toMatch(/psst|s3cret/);
});
