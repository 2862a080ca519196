import { expect, test } from "bun:test";
import { inputLines, type InputLine } from "../../src/cli/input-lines.ts";

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

async function lines(chunks: Uint8Array[], limit = 1_000): Promise<InputLine[]> {
  return await Array.fromAsync(
    inputLines(
      new ReadableStream({
        start(controller) {
          for (const chunk of chunks) controller.enqueue(chunk);
          controller.close();
        },
      }),
      limit,
    ),
  );
}

test("lines come out whole however the input is cut", async () => {
  const input = utf8("grüß dich\r\n\nzwei\ndrei");
  for (let cut = 0; cut <= input.byteLength; cut++) {
    expect(await lines([input.slice(0, cut), input.slice(cut)])).toEqual(["grüß dich", "zwei", "drei"]);
  }
});

test("a line over the limit is told of, and the next one is read", async () => {
  expect(await lines([utf8("12345\n123456\n1234"), utf8("567"), utf8("89\nok\n")], 5)).toEqual([
    "12345",
    null,
    null,
    "ok",
  ]);
  expect(await lines([utf8("x".repeat(100)), utf8("y".repeat(100))], 5)).toEqual([null]);
});
