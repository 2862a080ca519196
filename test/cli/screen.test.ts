import { afterEach, expect, spyOn, test } from "bun:test";
import { PASTE_MODE } from "../../src/cli/paste.ts";
import { Screen } from "../../src/cli/screen.ts";
import { Glass, Keyboard } from "./glass.ts";

const opened: Screen[] = [];
afterEach(() => opened.splice(0).forEach((screen) => screen[Symbol.dispose]()));

function open(columns = 20, rows = 10) {
  const keyboard = new Keyboard();
  const glass = new Glass(columns, rows);
  const screen = new Screen({
    input: keyboard as unknown as NodeJS.ReadStream, // all that readline uses of one
    output: glass as unknown as NodeJS.WriteStream,
    complete: (line) => [["/users ", "/quit "].filter((word) => word.startsWith(line)), line],
  });
  opened.push(screen);
  const lines: string[] = [];
  let ends = 0;
  screen.read({ onLine: (line) => lines.push(line), onEnd: () => ends++ });
  const type = async (text: string | Uint8Array): Promise<void> => {
    keyboard.write(text);
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { screen, glass, type, lines, ends: () => ends };
}

/** The modes that are set from now on. */
function modesOf(glass: Glass): string[] {
  const modes: string[] = [];
  const write = glass.write.bind(glass);
  glass.write = (chunk: unknown): boolean => {
    modes.push(...Object.values(PASTE_MODE).filter((mode) => mode === chunk));
    return write(chunk);
  };
  return modes;
}

const pasted = (text: string): string => `\x1b[200~${text}\x1b[201~`;

test("what is printed appears above the line being typed, and the cursor stays where it was", async () => {
  const { screen, glass, type } = open();
  screen.prompt("> ");
  await type("hello");
  await type("\x1b[D\x1b[D");
  screen.print("bob: hi");
  expect(glass.shown).toEqual(["bob: hi", "> hel▏lo"]);
  await type("!");
  expect(glass.shown).toEqual(["bob: hi", "> hel!▏lo"]);
});

test("a typed line of several rows is never torn, wherever the cursor is", async () => {
  const { screen, glass, type } = open(10);
  screen.prompt("> ");
  await type("abcdefghijklmnopqrstu");
  screen.print("one");
  expect(glass.shown).toEqual(["one", "> abcdefgh", "ijklmnopqr", "stu▏"]);
  await type("\x1b[D".repeat(12));
  screen.print("two");
  expect(glass.shown).toEqual(["one", "two", "> abcdefgh", "i▏jklmnopqr", "stu"]);
  await type("X");
  expect(glass.shown).toEqual(["one", "two", "> abcdefgh", "iX▏jklmnopq", "rstu"]);
});

test("a line that was entered is taken off the screen, all its rows, for its reader to print", async () => {
  const { screen, glass, type, lines } = open(10);
  screen.prompt("> ");
  for (const length of [0, 7, 8, 9, 17, 18, 19]) {
    await type("x".repeat(length));
    await type("\x1b[D".repeat(Math.floor(length / 2)));
    await type("\r");
    expect(glass.shown).toEqual(["> ▏"]);
    expect(lines.at(-1)).toBe("x".repeat(length));
  }
});

test("long lines are broken and go on below their indentation", () => {
  const { screen, glass } = open(20);
  screen.print("12:04 bob  a message that is long", 6);
  expect(glass.shown).toEqual(["12:04 bob  a", "      message that", "      is long", "▏"]);
});

test("when the window changes its width nothing that was printed is lost, and the typed line stays whole", async () => {
  const { screen, glass, type } = open(10);
  screen.prompt("> ");
  screen.print("one");
  await type("abcdefghijk");
  glass.resize(30);
  screen.print("two");
  expect(glass.shown).toEqual(["one", "two", "> abcdefghijk▏"]);
  glass.resize(8);
  screen.print("three");
  expect(glass.shown).toEqual(["one", "two", "three", "> abcdef", "ghijk▏"]);
});

test("a mark is written over a line that is still on the screen, and typing goes on", async () => {
  const { screen, glass, type } = open(20, 5);
  const block = screen.print("· first");
  screen.print("second");
  screen.prompt("> ");
  await type("abc");
  block.mark(0, "✓");
  expect(glass.shown).toEqual(["✓ first", "second", "> abc▏"]);
  screen.print(["third", "fourth", "fifth"]);
  block.mark(0, "✗"); // has left the screen
  expect(glass.shown).toEqual(["✓ first", "second", "third", "fourth", "fifth", "> abc▏"]);
});

test("a question takes one line, or its preset, and what comes before the reader is kept for it", async () => {
  const { screen, glass, type, lines } = open();
  const answer = screen.ask("Name", "ann");
  await type("\r");
  expect(await answer).toBe("ann");
  expect(glass.shown[0]).toBe("Name ann");
  expect(lines).toEqual([]);
});

test("who leaves instead of answering a question has answered nothing", async () => {
  const { screen, type } = open();
  const answer = screen.ask("Name", "ann").catch((error: unknown) => error);
  await type("\x03");
  expect(await answer).toMatchObject({ code: "CLOSED" });
});

test("the blank at which a line is broken is in neither of its rows", () => {
  const { screen, glass } = open(20);
  screen.print("one two three fou five", 2);
  screen.print("one \x1b[1mtwo three fou five\x1b[22m", 2);
  expect(glass.shown).toEqual(["one two three fou", "  five", "one two three fou", "  five", "▏"]);
});

test("the blanks with which a line of a text begins stay", () => {
  const { screen, glass } = open(20);
  screen.print("if (a)\n  if (b)\n    go on for some time", 2);
  expect(glass.shown).toEqual(["if (a)", "    if (b)", "      go on for", "  some time", "▏"]);
});

test("Ctrl-C clears what was typed, and on an empty line it is the end; so is Ctrl-D", async () => {
  const { screen, glass, type, lines, ends } = open();
  screen.prompt("> ");
  await type("oops");
  await type("\x03");
  expect(glass.shown).toEqual(["> ▏"]);
  expect(ends()).toBe(0);
  await type("\x03");
  expect(ends()).toBe(1);
  await type("\x04");
  expect(ends()).toBe(2);
  screen.print("goodbye"); // must not fail because readline is closed
  expect(glass.shown[0]).toBe("goodbye");
  expect(lines).toEqual([]);
});

test("Tab completes", async () => {
  const { screen, glass, type } = open();
  screen.prompt("> ");
  await type("/u\t");
  expect(glass.shown).toEqual(["> /users ▏"]);
});

test("several lines that are pasted are one text, that can be edited, is handed over at Enter, and comes back", async () => {
  const { screen, glass, type, lines } = open(40);
  screen.prompt("> ");
  await type("so: !");
  await type("\x1b[D");
  await type(pasted("if (a)\r\n\tb(é);\rc"));
  expect(glass.shown).toEqual(["> so: if (a)⏎⇥b(é);⏎c▏!"]);
  await type("\x7fd");
  expect(lines).toEqual([]);
  await type("\r");
  expect(lines).toEqual(["so: if (a)\n\tb(é);\nd!"]);
  expect(glass.shown).toEqual(["> ▏"]);
  await type("\x1b[A");
  expect(glass.shown).toEqual(["> so: if (a)⏎⇥b(é);⏎d!▏"]);
});

test("a paste comes in pieces, wherever it is cut", async () => {
  const { screen, type, lines } = open(40);
  screen.prompt("> ");
  const keys = new TextEncoder().encode(`a${pasted("😀\r\nb")}\r`);
  for (let cut = 1; cut < keys.length; cut++) {
    await type(keys.slice(0, cut));
    await type(keys.slice(cut));
    expect(lines.splice(0)).toEqual(["a😀\nb"]);
  }
});

test("whoever is pasting is typing", async () => {
  const { screen, type } = open();
  screen.prompt("> ");
  await type("\x1b[200~a");
  expect(screen.isTyping).toBe(true);
});

test("a paste of more rows than one is not torn", async () => {
  const { screen, glass, type } = open(10);
  screen.prompt("> ");
  await type(pasted("abcdef\nghijkl\nmno"));
  screen.print("one");
  expect(glass.shown).toEqual(["one", "> abcdef⏎g", "hijkl⏎mno▏"]);
  await type("\x1b[D".repeat(12));
  await type(pasted("XY\nZ"));
  expect(glass.shown).toEqual(["one", "> abcdeXY⏎", "Z▏f⏎ghijkl⏎", "mno"]);
});

test("a paste of one line is just text, and nothing in it is a key", async () => {
  const { screen, glass, type, lines } = open();
  screen.prompt("> ");
  await type(pasted("/u\t\x03\x04\x1a\x1b[Ax\r\n"));
  expect(glass.shown).toEqual(["> /u⇥x▏"]);
  await type("\r");
  expect(lines).toEqual(["/u\tx"]);
});

test("a paste after the end is nobody's", async () => {
  const { screen, type, lines, ends } = open();
  screen.prompt("> ");
  await type(`\x04${pasted("a")}`);
  await type(pasted("b"));
  expect([ends(), lines]).toEqual([1, []]);
});

test("pastes are marked from the start to the end, also of a crash", async () => {
  const { screen, glass } = open();
  const modes = modesOf(glass);
  screen[Symbol.dispose]();
  expect(modes).toEqual([PASTE_MODE.off]);
  const source = `
    import { Screen } from ${JSON.stringify(require.resolve("../../src/cli/screen.ts"))};
    new Screen({ input: process.stdin, output: process.stdout, complete: (line) => [[], line] }).prompt("> ");
    setImmediate(() => { throw new Error("out of order"); });`;
  let written = "";
  const decoder = new TextDecoder();
  const ended = Promise.withResolvers<void>();
  const terminal = new Bun.Terminal({
    data(_, chunk) {
      written += decoder.decode(chunk, { stream: true });
      if (written.includes(PASTE_MODE.off)) ended.resolve();
    },
  });
  const child = Bun.spawn([process.execPath, "-e", source], { terminal });
  await Promise.all([child.exited, ended.promise]);
  terminal.close();
  expect(written).toStartWith(PASTE_MODE.on);
  expect(written).toContain("out of order");
});

test("what floats stays between what is printed and the typed line, until something takes its place", async () => {
  const { screen, glass, type } = open();
  screen.prompt("> ");
  await type("hello");
  await type("\x1b[D\x1b[D");
  screen.float(["bob is"]);
  expect(glass.shown).toEqual(["bob is", "> hel▏lo"]);
  screen.print("one");
  expect(glass.shown).toEqual(["one", "bob is", "> hel▏lo"]);
  await type("!");
  screen.float(["bob is at it", "eve: no"]);
  expect(glass.shown).toEqual(["one", "bob is at it", "eve: no", "> hel!▏lo"]);
  await type("\r");
  screen.print("two");
  screen.float(["eve: no"]);
  screen.float(["eve: no"]);
  expect(glass.shown).toEqual(["one", "two", "eve: no", "> ▏"]);
  screen.float([]);
  expect(glass.shown).toEqual(["one", "two", "> ▏"]);
});

test("a long line floats in rows below its indentation, and only the rows that change are written again", () => {
  const { screen, glass } = open(20);
  screen.prompt("> ");
  screen.float(["12:04 bob  a message that"], 6);
  let written = "";
  const write = glass.write.bind(glass);
  glass.write = (chunk: unknown): boolean => {
    written += String(chunk);
    return write(chunk);
  };
  screen.float(["12:04 bob  a message that is longer"], 6);
  expect(glass.shown).toEqual(["12:04 bob  a", "      message that", "      is longer", "> ▏"]);
  expect(written).not.toContain("12:04");
  screen.float(["12:04 bob  a"], 6);
  expect(glass.shown).toEqual(["12:04 bob  a", "> ▏"]);
});

const rows = (count: number): string[] => Array.from({ length: count }, (_, i) => `row ${i}`);

test("of what floats only so much is shown that nothing of it leaves the screen, and typing goes on", async () => {
  const { screen, glass, type } = open(20, 6);
  screen.prompt("> ");
  screen.print("before");
  for (let count = 1; count < 9; count++) screen.float(rows(count));
  expect(glass.shown).toEqual(["before", "row 5", "row 6", "row 7", "> ▏"]);
  await type("abcdefghijklmnopqrstuvwxyz");
  screen.float(rows(9));
  expect(glass.shown).toEqual(["before", "row 7", "row 8", "> abcdefghijklmnopqr", "stuvwxyz▏"]);
  screen.atOnce(() => {
    screen.float([]);
    screen.print(rows(9));
  });
  expect(glass.shown).toEqual(["before", ...rows(9), "> abcdefghijklmnopqr", "stuvwxyz▏"]);
});

test("a mark finds its line above what floats", () => {
  const { screen, glass } = open();
  screen.prompt("> ");
  const block = screen.print("· first");
  screen.float(["one", "two"]);
  block.mark(0, "✓");
  expect(glass.shown).toEqual(["✓ first", "one", "two", "> ▏"]);
});

test("what floats is fitted to a window of another width", async () => {
  const { screen, glass, type } = open(30);
  screen.prompt("> ");
  screen.print("before");
  screen.float(["a text of twenty eight cells"]);
  await type("hm");
  glass.resize(20);
  screen.float(["a text of twenty eight cells?"]);
  expect(glass.shown).toEqual(["before", "a text of twenty", "eight cells?", "> hm▏"]);
  glass.resize(40);
  screen.float(["a text of twenty eight cells!"]);
  expect(glass.shown).toEqual(["before", "a text of twenty eight cells!", "> hm▏"]);
});

test("what floats is there without a prompt too, is gone at the end, and was never there where there is no terminal", () => {
  const { screen, glass } = open();
  screen.float(["one"]);
  screen.float(["one", "two"]);
  expect(glass.shown).toEqual(["one", "two", "▏"]);
  screen[Symbol.dispose]();
  expect(glass.shown).toEqual(["▏"]);
});

test("a screen that is cleared shows what floats again when it grows", async () => {
  const { screen, glass, type } = open();
  screen.prompt("> ");
  screen.float(["one", "two"]);
  await type("hm\x0c");
  expect(glass.shown).toEqual(["> hm▏"]);
  screen.float(["one", "two", "three"]);
  expect(glass.shown).toEqual(["one", "two", "three", "> hm▏"]);
});

test("Ctrl-Z stops the whole job, as its shell waits for all of it; when it goes on, the typed line is there again", async () => {
  const { screen, glass, type } = open();
  screen.prompt("> ");
  await type("hello");
  const modes = modesOf(glass);
  using kill = spyOn(process, "kill").mockImplementation(() => {
    expect(modes.splice(0)).toEqual([PASTE_MODE.off]); // the shell does not know the marks, or has its own mode
    return true;
  });
  await type("\x1a");
  expect(kill.mock.calls).toEqual([[0, "SIGTSTP"]]);
  expect(modes.splice(0)).toEqual([PASTE_MODE.on]); // there may be no shell that could bring it back
  glass.write("\n$ fg\n"); // the shell
  process.emit("SIGCONT");
  expect(modes).toEqual([PASTE_MODE.on]);
  await type("!");
  expect(glass.shown).toEqual(["> hello", "$ fg", "> hello!▏"]);
});
