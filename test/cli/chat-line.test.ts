import { expect, test } from "bun:test";
import { readChatLine, type Intent } from "../../src/cli/chat-line.ts";

const known = (name: string): boolean => ["dice", "bob"].includes(name);
const alone = (line: string): Intent => readChatLine(line, { isKnown: known });
const withBob = (line: string): Intent =>
  readChatLine(line, { partner: { name: "bob", kind: "person" }, isKnown: known });
const withDice = (line: string): Intent =>
  readChatLine(line, { partner: { name: "dice", kind: "bot" }, isKnown: known });

test("a slash begins a command, two of them a text", () => {
  expect(alone("  /users ")).toEqual({ kind: "command", name: "users", rest: "" });
  expect(alone("/message bob hi  there")).toEqual({ kind: "command", name: "message", rest: "bob hi  there" });
  expect(withBob("//etc")).toEqual({ kind: "say", to: "bob", text: "/etc" });
  expect(withBob("/etc/passwd is a file")).toEqual({ kind: "say", to: "bob", text: "/etc/passwd is a file" });
});

test("several lines that begin with a slash are a text, but for /message", () => {
  for (const text of ["/quit\nnow", "// a comment\n/* code */", "/\n/help"]) {
    expect(withBob(text)).toEqual({ kind: "say", to: "bob", text });
  }
  expect(alone("/quit\nnow")).toEqual({ kind: "astray" });
  for (const word of ["message", "mess", "m"]) {
    expect(withBob(`/${word} dice a\n\tb`)).toEqual({ kind: "command", name: word, rest: "dice a\n\tb" });
  }
});

test("the blanks with which the first of several lines begins stay, and empty lines around them go", () => {
  expect(withBob("\n  \n    if (a)\n      b();\n\n")).toEqual({
    kind: "say",
    to: "bob",
    text: "    if (a)\n      b();",
  });
  expect(withDice("  dice roll\n  twice")).toEqual({ kind: "say", to: "dice", text: "roll\n  twice" });
  expect(alone("@bob a\n  b")).toEqual({ kind: "say", to: "bob", text: "a\n  b" });
});

test("@name and name: say something to somebody, or turn to them", () => {
  const said: Intent = { kind: "say", to: "dice", text: "roll --sides 20" };
  for (const line of ["@dice roll --sides 20", "@dice: roll --sides 20", "dice: roll --sides 20"]) {
    expect(withBob(line)).toEqual(said);
  }
  expect(withBob("@10.0.0.1:9278 hi")).toEqual({ kind: "say", to: "10.0.0.1:9278", text: "hi" });
  expect(withBob("@dice")).toEqual({ kind: "talk", to: "dice" });
  expect(withBob("note: this is a text")).toEqual({ kind: "say", to: "bob", text: "note: this is a text" });
});

test("with a partner a plain line goes there, whatever name it begins with", () => {
  expect(withBob("dice are nice")).toEqual({ kind: "say", to: "bob", text: "dice are nice" });
});

test("without a partner the first word may be the name of somebody known", () => {
  expect(alone("dice roll")).toEqual({ kind: "say", to: "dice", text: "roll" });
  expect(alone("dice")).toEqual({ kind: "talk", to: "dice" });
  expect(alone("hello everybody")).toEqual({ kind: "astray" });
  expect(alone("   ")).toEqual({ kind: "nothing" });
});

test("the name of a bot is dropped from a line for it, that of a person is not", () => {
  expect(withDice("dice roll")).toEqual({ kind: "say", to: "dice", text: "roll" });
  expect(withDice("dice")).toEqual({ kind: "say", to: "dice", text: "dice" });
  expect(withBob("bob is a nice name")).toEqual({ kind: "say", to: "bob", text: "bob is a nice name" });
});
