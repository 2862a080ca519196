import { expect, test } from "bun:test";
import * as fc from "fast-check";
import { LineReader } from "../../src/wire/lines.ts";

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

test("frames come out whole however the stream is cut", () => {
  const stream = utf8('{"t":"ping"}\n{"t":"msg","text":"grüß dich"}\n');
  for (let cut = 0; cut <= stream.byteLength; cut++) {
    const reader = new LineReader();
    const values = [stream.subarray(0, cut), stream.subarray(cut)].flatMap((chunk) => reader.push(chunk, 4_096));
    expect(values).toEqual([{ t: "ping" }, { t: "msg", text: "grüß dich" }]);
  }
});

test("any stream of objects, cut anywhere, reads the same", () => {
  fc.assert(
    fc.property(fc.array(fc.dictionary(fc.string(), fc.jsonValue())), fc.array(fc.nat(50)), (objects, sizes) => {
      const stream = utf8(objects.map((object) => `${JSON.stringify(object)}\n`).join(""));
      const reader = new LineReader();
      const values: unknown[] = [];
      let at = 0;
      for (const size of [...sizes, stream.byteLength]) {
        values.push(...reader.push(stream.subarray(at, at + size), 1_000_000));
        at += size;
      }
      expect(values).toEqual(JSON.parse(JSON.stringify(objects)));
    }),
  );
});

test("a line over the limit is refused before it is complete, and one at the limit is not", () => {
  const line = utf8(`{"a":"${"x".repeat(91)}"}`);
  expect(line.byteLength).toBe(99);
  const reader = new LineReader();
  reader.push(line, 99);
  expect(reader.push(utf8("\n"), 99 + 1)).toHaveLength(1);
  expect(() => new LineReader().push(line, 98)).toThrow("limit is 98");
});

test("one long line among short ones in a chunk is found", () => {
  const chunk = utf8(`{"a":1}\n{"b":"${"x".repeat(50)}"}\n{"c":1}\n`);
  expect(() => new LineReader().push(chunk, 40)).toThrow(expect.objectContaining({ code: "FRAME_TOO_LARGE" }));
  expect(new LineReader().push(chunk, 60)).toHaveLength(3);
});

test("a line that is not JSON is an error", () => {
  for (const text of ["nonsense\n", '{"a":}\n', '{"a":1\n', "{'a':1}\n", "{}{}\n"]) {
    expect(() => new LineReader().push(utf8(text), 100)).toThrow(expect.objectContaining({ code: "FRAME_MALFORMED" }));
  }
});

test.each([
  ["an empty line", utf8("\r\n{}\n")],
  ["an object of two lines", utf8('{"a":\n1}\n')],
  ["a byte order mark", utf8("\ufeff{}\n")],
  ["a line that is no UTF-8", Buffer.from('{"a":"\u00e9"}\n', "latin1")],
])("%s is an error, however the stream is cut", (_, stream) => {
  for (let cut = 0; cut < stream.byteLength; cut++) {
    const reader = new LineReader();
    const read = (): unknown[] => [stream.subarray(0, cut), stream.subarray(cut)].map((part) => reader.push(part, 100));
    expect(read).toThrow(expect.objectContaining({ code: "FRAME_MALFORMED" }));
  }
});

test("the first line is handed out alone, with the bytes behind it untouched", () => {
  const reader = new LineReader();
  expect(reader.shift(utf8('{"t":"he'), 100)).toBeUndefined();
  const first = reader.shift(utf8('llo"}\n{"t":"ready"}\n'), 100);
  expect(first?.value).toEqual({ t: "hello" });
  expect(new TextDecoder().decode(first?.rest)).toBe('{"t":"ready"}\n');
});

test("what was pushed may be overwritten afterwards", () => {
  const reader = new LineReader();
  const chunk = Buffer.from('{"a":'); // what sockets give; its slice() is no copy
  reader.push(chunk, 100);
  chunk.fill(0);
  expect(reader.push(utf8("1}\n"), 100)).toEqual([{ a: 1 }]);
});

test("a deeply nested line ends in an error or a value, never in a crash", () => {
  const depth = 100_000;
  const line = utf8(`{"a":${"[".repeat(depth)}${"]".repeat(depth)}}\n`);
  try {
    new LineReader().push(line, 262_144);
  } catch (error) {
    expect(error).toMatchObject({ code: "FRAME_MALFORMED" });
  }
});
