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
