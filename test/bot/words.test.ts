import { expect, test } from "bun:test";
import { splitWords } from "../../src/bot/words.ts";

const texts = (line: string): string[] => splitWords(line).map((word) => word.text);

test("words are what stands between spaces, of whatever kind", () => {
  expect(texts("  roll\t--sides  6\n2\u00a03 ")).toEqual(["roll", "--sides", "6", "2", "3"]);
  expect(texts("")).toEqual([]);
});

test("quotes hold words together, also those that a phone bent, and come off", () => {
  expect(texts(`say "hello there" 'you two'`)).toEqual(["say", "hello there", "you two"]);
  expect(texts("say “hello there” ‘you two’ «et toi»")).toEqual(["say", "hello there", "you two", "et toi"]);
  expect(texts('--text="a b" --name=‘c d’')).toEqual(["--text=a b", "--name=c d"]);
  expect(texts('""')).toEqual([""]);
});

test("a quote inside a word, and one that is never closed, are ordinary characters", () => {
  expect(texts(`I don't and won't`)).toEqual(["I", "don't", "and", "won't"]);
  expect(texts(`'tis a 5" disk`)).toEqual(["'tis", "a", '5"', "disk"]);
  expect(texts(`"he's 5" tall"`)).toEqual([`he's 5`, `tall"`]);
  expect(texts(`'don't stop'`)).toEqual(["don't stop"]);
});

test("a backslash keeps a quote inside quotes", () => {
  expect(texts(String.raw`"say \"hi\" \\ now" C:\x`)).toEqual([String.raw`say "hi" \ now`, String.raw`C:\x`]);
});

test("long dashes at the beginning of a word become flags and minus signs again", () => {
  expect(texts("—sides 6 –loud –3 −2.5 a—b — –")).toEqual(["--sides", "6", "--loud", "-3", "-2.5", "a—b", "—", "–"]);
  expect(texts("—text=“a b”")).toEqual(["--text=a b"]);
});

test("a word knows where it begins and whether it was quoted", () => {
  expect(splitWords(`to "a b" c`)).toEqual([
    { text: "to", start: 0, isQuoted: false },
    { text: "a b", start: 3, isQuoted: true },
    { text: "c", start: 9, isQuoted: false },
  ]);
});

test("a quarter of a million quotes are read in one go", () => {
  const started = performance.now();
  expect(splitWords(`"a `.repeat(90_000))).toHaveLength(90_000);
  expect(performance.now() - started).toBeLessThan(2_000); // reading the line once a quote takes minutes
});
