import { expect, test } from "bun:test";
import { WarrenError } from "../../src/base/errors.ts";
import { Emitter } from "../../src/base/hooks.ts";
import { Notices } from "../../src/cli/notices.ts";
import type { DirectoryEvents } from "../../src/peer/directory.ts";
import type { Peer } from "../../src/peer/peer.ts";
import { ManualClock } from "../../src/testing/manual-clock.ts";

/** A peer that has what notices need. */
function setUp() {
  const clock = new ManualClock();
  const events = new Emitter<{ notice: [WarrenError] }>(() => {});
  const directory = new Emitter<DirectoryEvents>(() => {});
  const peer = {
    world: { clock },
    on: (event: "notice", listener: (notice: WarrenError) => void) => events.on(event, listener),
    directory: { url: "http://far:9277", on: directory.on.bind(directory) },
  };
  const told: string[] = [];
  const notices = new Notices(peer as unknown as Peer);
  const texts: string[] = [];
  const listen = (): void => notices.listen(({ code, message }) => void (told.push(code), texts.push(message)));
  const notice = (text: string): void => events.emit("notice", new WarrenError("NAME_TAKEN", text));
  return { clock, directory, notices, told, texts, listen, notice };
}

test("what comes before anybody listens is told first", () => {
  const { told, listen, notice } = setUp();
  notice("taken");
  expect(told).toEqual([]);
  listen();
  expect(told).toEqual(["NAME_TAKEN"]);
});

test("whose name is taken is told how to take another one", () => {
  const { texts, listen, notice } = setUp();
  listen();
  notice('the name "fox" belongs to f4tdmcth: choose another name');
  expect(texts).toEqual(['the name "fox" belongs to f4tdmcth: choose another name, with --name']);
});

test("a registry that is silent for longer than a restart takes is told once; one that is back is not", async () => {
  const { clock, directory, told, listen } = setUp();
  listen();
  directory.emit("disconnected", "the connection broke");
  await clock.advance(2_000);
  directory.emit("connected");
  await clock.advance(10_000);
  expect(told).toEqual([]);
  directory.emit("disconnected", "the connection broke");
  await clock.advance(10_000);
  expect(told).toEqual(["REGISTRY_UNREACHABLE"]);
});

test("a registry that is gone for a reason that was told is not told of again", async () => {
  const { clock, directory, told, listen, notice } = setUp();
  listen();
  notice("the name is taken");
  directory.emit("disconnected", "the name is taken");
  await clock.advance(10_000);
  expect(told).toEqual(["NAME_TAKEN"]);
});

test("after the end nothing is told any more", async () => {
  const { clock, directory, notices, told, listen, notice } = setUp();
  listen();
  directory.emit("disconnected", "the connection broke");
  await notices[Symbol.asyncDispose]();
  notice("late");
  await clock.advance(10_000);
  expect(told).toEqual([]);
});
