import { expect, test } from "bun:test";
import { fromCells, PasteReader, toCells } from "../../src/cli/paste.ts";

function reader() {
  const pastes: string[] = [];
  return { pastes, paste: new PasteReader((text) => pastes.push(text)) };
}

test("what comes between the marks is a paste, and nothing else is", () => {
  const { pastes, paste } = reader();
  const keys = ["a", "\x1b[200~", "b", "\r", "\x1b[A", "\x1b[201~", "c", "\x1b[201~"];
  expect(keys.filter((key) => !paste.take(key))).toEqual(["a", "c", "\x1b[201~"]);
  expect(pastes).toEqual(["b\r\x1b[A"]);
});

test("the mark at the end is found when it comes so slowly that each of its characters is a key", () => {
  const { pastes, paste } = reader();
  for (const key of ["\x1b[200~", "b", "\x1b", "[", "2", "0", "1", "~"]) expect(paste.take(key)).toBe(true);
  expect(pastes).toEqual(["b"]);
  expect(paste.isOpen).toBe(false);
});

test("the mark at the end is found behind an escape sequence that was cut off", () => {
  const { pastes, paste } = reader();
  for (const key of ["\x1b[200~", "b", "\x1b\x1b[201~"]) paste.take(key);
  expect(pastes).toEqual(["b\x1b"]);
});

test("a paste of many megabytes takes no longer for each of its characters than a short one", () => {
  const { pastes, paste } = reader();
  paste.take("\x1b[200~");
  for (let i = 0; i < 3_000_000; i++) paste.take("~");
  paste.take("\x1b[201~");
  expect(pastes[0]?.length).toBe(3_000_000);
});

test("each line break and tab is one cell, and they come back", () => {
  expect(toCells("one\r\n\ttwo\rthree\n\nfour")).toBe("one⏎⇥two⏎three⏎⏎four");
  expect(fromCells("one⏎⇥two⏎three⏎⏎four")).toBe("one\n\ttwo\nthree\n\nfour");
});

test("the characters that stand for them can be pasted too", () => {
  const text = '"\n" is ⏎,\n"\t" is ⇥';
  expect(fromCells(toCells(text))).toBe(text);
  expect(Bun.stringWidth(toCells("⏎"))).toBe(1);
});

test("one line is just text, with or without its end; of several the last keeps it", () => {
  for (const end of ["", "\n", "\r", "\r\n"]) expect(toCells(`one${end}`)).toBe("one");
  expect(toCells("one\ntwo\n")).toBe("one⏎two⏎");
});

test("control characters are left out, and colours as a whole", () => {
  expect(toCells("a\x1b[1;31mred\x1b[0m \x00\x07\x7f\x9b\u202eb \x1b]0;title\x07")).toBe("ared b ]0;title");
});
