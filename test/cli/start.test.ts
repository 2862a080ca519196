import { afterEach, beforeEach, expect, spyOn, test } from "bun:test";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import os, { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLog } from "../../src/base/log.ts";
import { keepLastName, keepSettings, personFolder } from "../../src/cli/identities.ts";
import { chooseIdentity, type Asker, type StartOptions } from "../../src/cli/start.ts";

let home = "";
beforeEach(async () => void (home = await mkdtemp(join(tmpdir(), "warren-start-"))));
afterEach(() => rm(home, { recursive: true }));

const options = (more: Partial<StartOptions> = {}): StartOptions => ({
  home,
  registry: "none",
  log: silentLog,
  ...more,
});

/** Answers in order; empty is Enter. */
function answers(...typed: string[]): Asker & { heard: string[] } {
  const heard: string[] = [];
  return {
    heard,
    ask: async (question, preset) => {
      heard.push(question);
      return typed.shift() || preset;
    },
    say: (text) => void heard.push(text),
  };
}

async function makeIdentity(name: string): Promise<void> {
  await mkdir(personFolder(home, name), { recursive: true });
  await writeFile(join(personFolder(home, name), "key.pem"), "");
}

test("the first start asks for the port and then the name, and takes Enter for the defaults", async () => {
  const asker = answers();
  const choice = await chooseIdentity(options(), asker);
  expect(asker.heard).toEqual(["Port to listen on", "Your name"]);
  expect(choice.port).toBeGreaterThanOrEqual(9_278);
  expect(choice.name).toMatch(/^[a-z0-9][a-z0-9-]*$/);
});

test("where the system does not know who is there, as in a container, nobody is called unknown", async () => {
  using user = spyOn(os, "userInfo").mockReturnValue({ ...os.userInfo(), username: "unknown" });
  expect(await chooseIdentity(options(), answers("0"))).toEqual({ name: "me", port: 0 });
  expect(user).toHaveBeenCalled();
});

test("answers that cannot be are asked again, and a name is brought into its form", async () => {
  const asker = answers("many", "70000", "0", "!!!", "Zoë Q.");
  expect(await chooseIdentity(options(), asker)).toEqual({ name: "zoe-q", port: 0 });
  expect(asker.heard.filter((line) => line === "Port to listen on").length).toBe(3);
  expect(asker.heard.filter((line) => line === "Your name").length).toBe(2);
});

test("a port that somebody uses is asked again", async () => {
  using server = Bun.listen({ hostname: "0.0.0.0", port: 0, socket: { data() {} } });
  const asker = answers(String(server.port), "0");
  expect((await chooseIdentity(options({ name: "ann" }), asker)).port).toBe(0);
  expect(asker.heard[1]).toBe(`Port ${server.port} is in use.`);
});

test("what was given is not asked, and what is kept is never asked again", async () => {
  expect(await chooseIdentity(options({ name: "ann", port: 5 }), answers())).toEqual({ name: "ann", port: 5 });
  await makeIdentity("bob");
  await keepSettings(home, "bob", { port: 7_000 });
  await keepLastName(home, "bob");
  const asker = answers();
  expect(await chooseIdentity(options(), asker)).toEqual({ name: "bob", port: 7_000 });
  expect(asker.heard).toEqual([]);
});

test("a further identity takes the first free port that no other one keeps, without asking", async () => {
  await makeIdentity("bob");
  const asker = answers();
  const { port } = await chooseIdentity(options({ name: "ann" }), asker);
  await keepSettings(home, "bob", { port });
  expect((await chooseIdentity(options({ name: "ann" }), asker)).port).toBeGreaterThan(port);
  expect(asker.heard).toEqual([]);
});

test("where nobody can be asked, the defaults are taken", async () => {
  expect((await chooseIdentity(options())).port).toBeGreaterThanOrEqual(9_278);
  expect(chooseIdentity(options({ name: "-" }))).rejects.toThrow('"-" cannot be a name');
});
