import { expect, test } from "bun:test";
import { systemClock } from "../../src/base/world.ts";
import { Heard } from "../../src/peer/heard.ts";
import { openStore } from "../../src/store/store.ts";

function open() {
  const store = openStore(":memory:", systemClock);
  return { store, heard: new Heard(1, store.heard, ""), [Symbol.dispose]: () => store[Symbol.dispose]() };
}

test("ids of one run are new as long as they grow, the longer one being the greater", () => {
  using setting = open();
  const taken = ["r.1", "r.9", "r.a", "r.z", "r.10", "r.zz", "r.100"].map((id) => setting.heard.take(id));
  expect(taken).toEqual([true, true, true, true, true, true, true]);
});

test("what came before, or was passed over, is not new", () => {
  using setting = open();
  for (const id of ["r.1", "r.5"]) setting.heard.take(id);
  expect(["r.5", "r.1", "r.3", "r.05"].map((id) => setting.heard.take(id))).toEqual([false, false, false, true]);
});

test("runs are known apart, and again when they come back", () => {
  using setting = open();
  expect(["old.7", "new.1", "old.7", "new.1", "old.8"].map((id) => setting.heard.take(id))).toEqual([
    true,
    true,
    false,
    false,
    true,
  ]);
});

test("an id without a count is a run of its own", () => {
  using setting = open();
  expect(["a", "b", "a", "b", "c"].map((id) => setting.heard.take(id))).toEqual([true, true, false, false, true]);
});

test("what was saved is known after a restart, and one peer's runs say nothing of another's", () => {
  using setting = open();
  setting.heard.take("r.5");
  setting.heard.save();
  expect(new Heard(1, setting.store.heard, "").take("r.5")).toBe(false);
  expect(new Heard(2, setting.store.heard, "").take("r.5")).toBe(true);
});

test("the latest one need not be saved: it is kept with the session", () => {
  using setting = open();
  for (const id of ["r.7", "s.1", "r.8"]) setting.heard.take(id); // r.8 is not saved
  const again = new Heard(1, setting.store.heard, "r.8");
  expect(["r.8", "s.1", "r.9", "s.2"].map((id) => again.take(id))).toEqual([false, false, true, true]);
});
