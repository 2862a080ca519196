import { describe, expect, test } from "bun:test";
import { createTestWarren } from "warren/testing";
import remind from "../../bots/remind.ts";
import { NETWORKS } from "./networks.ts";

const MINUTE = 60_000;

describe.each(NETWORKS)("%s", (network) => {
  test("a reminder comes at its time, and once", async () => {
    await using warren = await createTestWarren({ network, plugins: [remind] });
    const [ann, bob] = [warren.person("ann"), warren.person("bob")];
    await ann.says("remind me in 10m to stretch", { to: "remind" });
    await bob.says("remind 1 H tea & cake", { to: "remind" });
    expect(ann.heard[0]).toMatch(/^in 10m: stretch \("cancel \w+" takes it back\)$/);
    await warren.clock.advance(9 * MINUTE);
    await warren.quiet();
    expect(ann.heard).toHaveLength(1);
    await warren.clock.advance(60 * MINUTE);
    await warren.quiet();
    expect([ann.heard.slice(1), bob.heard.slice(1)]).toEqual([["reminder: stretch"], ["reminder: tea & cake"]]);
  });

  test("who talks to it need not say remind once more", async () => {
    await using warren = await createTestWarren({ network, plugins: [remind] });
    const ann = warren.person("ann");
    for (const text of ["me in 10m to stretch", "5m tea"]) await ann.says(text, { to: "remind" });
    expect(ann.heard).toEqual([expect.stringMatching(/^in 10m: stretch /), expect.stringMatching(/^in 5m: tea /)]);
  });

  test("reminders are listed and cancelled by whose they are, and by nobody else", async () => {
    await using warren = await createTestWarren({ network, plugins: [remind] });
    const [ann, bob] = [warren.person("ann"), warren.person("bob")];
    await ann.says("remind 10m stretch", { to: "remind" });
    const id = /cancel (\w+)/.exec(ann.heard[0] ?? "")?.[1] ?? "";
    await ann.says("list", { to: "remind" });
    expect(ann.heard[1]).toBe(`2026-01-01 00:10 UTC: stretch (${id})`);
    for (const text of ["list", `cancel ${id}`]) await bob.says(text, { to: "remind" });
    expect(bob.heard).toEqual(["nothing", 'there is no such reminder: see "list"']);
    for (const text of [`cancel ${id}`, "list"]) await ann.says(text, { to: "remind" });
    await warren.clock.advance(60 * MINUTE);
    await warren.quiet();
    expect(ann.heard.slice(2)).toEqual(["cancelled", "nothing"]);
  });

  test("nobody has more than fifty", async () => {
    await using warren = await createTestWarren({ network, plugins: [remind] });
    const [ann, bob] = [warren.person("ann"), warren.person("bob")];
    for (let count = 0; count <= 50; count++) await ann.says("remind 10m stretch", { to: "remind" });
    expect(ann.heard.at(-1)).toBe('you have 50 already: "list" shows them');
    await bob.says("remind 10m stretch", { to: "remind" });
    expect(bob.heard.at(-1)).toStartWith("in 10m: stretch");
  });

  test("what says no time is answered with how to say it", async () => {
    await using warren = await createTestWarren({ network, plugins: [remind] });
    const ann = warren.person("ann");
    for (const text of ["remind me to stretch", "remind 10m", "remind me in -5m to stretch", "remind 1.5h tea"]) {
      await ann.says(text, { to: "remind" });
    }
    expect(new Set(ann.heard)).toEqual(new Set(['say when and what: "remind me in 10m to stretch" (s, m, h or d)']));
    expect(ann.heard).toHaveLength(4);
  });
});
