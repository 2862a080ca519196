import { expect, test } from "bun:test";
import { Emitter } from "../../src/base/hooks.ts";

interface Events {
  said: [text: string];
  left: [];
}

function createEmitter() {
  const failures: string[] = [];
  const emitter = new Emitter<Events>((error, event) => void failures.push(`${event}: ${String(error)}`));
  return { emitter, failures };
}

test("every listener is told, in the order of registration", () => {
  const { emitter } = createEmitter();
  const heard: string[] = [];
  emitter.on("said", (text) => heard.push(`1 ${text}`));
  emitter.on("left", () => heard.push("left"));
  emitter.on("said", (text) => heard.push(`2 ${text}`));
  emitter.emit("said", "hello");
  expect(heard).toEqual(["1 hello", "2 hello"]);
});

test("it knows whether anybody listens", () => {
  const { emitter } = createEmitter();
  const ends = [emitter.on("said", () => {}), emitter.on("said", () => {})];
  const seen = [emitter.has("said"), emitter.has("left")];
  for (const end of ends) {
    end();
    seen.push(emitter.has("said"));
  }
  expect(seen).toEqual([true, false, true, false]);
});

test("a listener that throws or rejects hides no other, and is reported", async () => {
  const { emitter, failures } = createEmitter();
  const heard: string[] = [];
  emitter.on("said", () => {
    throw new Error("at once");
  });
  emitter.on("said", () => Promise.reject(new Error("later")));
  emitter.on("said", (text) => heard.push(text));
  emitter.emit("said", "hello");
  await Promise.resolve();
  expect(heard).toEqual(["hello"]);
  expect(failures).toEqual(["said: Error: at once", "said: Error: later"]);
});

test("a registration ends once, also that of a function that is registered twice", () => {
  const { emitter } = createEmitter();
  const heard: string[] = [];
  const listener = (text: string): void => void heard.push(text);
  const end = emitter.on("said", listener);
  emitter.on("said", listener);
  end();
  end();
  emitter.emit("said", "hello");
  expect(heard).toEqual(["hello"]);
});

test("a listener may end itself, or another one, while it is told", () => {
  const { emitter } = createEmitter();
  const heard: string[] = [];
  const ends: (() => void)[] = [];
  ends.push(
    emitter.on("said", () => {
      heard.push("first");
      for (const end of ends) end();
    }),
    emitter.on("said", () => heard.push("second")),
    emitter.on("left", () => heard.push("left")),
  );
  emitter.emit("said", "hello");
  emitter.emit("said", "again");
  expect(heard).toEqual(["first"]);
});
