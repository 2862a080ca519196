import { expect, test } from "bun:test";
import { TestHome } from "./processes.ts";

test("a chat whose terminal is gone ends, and the identity is free again", async () => {
  await using home = await TestHome.make();
  const typist = home.terminal("-n", "ann", "-p", "0", "-r", "none", "--no-bots");
  await typist.read("/help");
  typist.hangUp();
  await typist.child.exited; // the test's time limit is the assertion: it used to spin for ever
  const { out } = await home.run(["whoami", "-n", "ann", "-r", "none", "--json"]);
  expect(JSON.parse(out)).toMatchObject({ name: "ann" });
});

test("whoever presses Ctrl-C again is not kept waiting, and no prompt stays before that of the shell", async () => {
  await using home = await TestHome.make();
  const typist = home.terminal("-n", "ann", "-p", "0", "-r", "none", "--no-bots");
  await typist.read("ann › ");
  typist.type("\x03\x03");
  expect(await typist.child.exited).toBe(1);
  // What it wrote last may come after its end; the test's time limit is the assertion.
  while (typist.glass.shown.at(-1) !== "▏") await new Promise((resolve) => setImmediate(resolve));
});
