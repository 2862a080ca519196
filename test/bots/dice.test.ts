import { describe, expect, test } from "bun:test";
import { createTestWarren } from "warren/testing";
import dice from "../../bots/dice.ts";
import { NETWORKS } from "./networks.ts";

describe.each(NETWORKS)("%s", (network) => {
  test("dice are thrown and counted", async () => {
    await using warren = await createTestWarren({ network, plugins: [dice], seed: 7 });
    const ann = warren.person("ann");
    await ann.says("roll --sides 20 --times 3", { to: "dice" });
    await ann.says("roll 6 1", { to: "dice" });
    await ann.says("count", { to: "dice" });
    expect(ann.heard).toEqual(["6 + 12 + 19 = 37", "2", "4"]);
    await warren.person("bob").says("count", { to: "dice" });
    expect(warren.person("bob").heard).toEqual(["0"]);
  });

  test("what is no throw is answered with a sentence, and talk about dice with a hint", async () => {
    await using warren = await createTestWarren({ network, plugins: [dice], seed: 7 });
    const ann = warren.person("ann");
    await ann.says("roll many", { to: "dice" });
    expect(ann.heard.at(-1)).toStartWith('"many" is not a whole number');
    await ann.says("do you have dice?", { to: "dice" });
    expect(ann.heard.at(-1)).toBe("try: roll --sides 20");
  });

  test("who rolls too often waits", async () => {
    await using warren = await createTestWarren({ network, plugins: [dice], seed: 7 });
    const ann = warren.person("ann");
    for (let n = 0; n < 7; n++) await ann.says("roll", { to: "dice" });
    expect(ann.heard).toHaveLength(6);
    expect(ann.heard.at(-1)).toStartWith("too soon: again in");
    await warren.clock.advance(10_000);
    await ann.says("roll", { to: "dice" });
    expect(ann.heard).toHaveLength(7);
  });
});
