import { expect, test } from "bun:test";
import { join } from "node:path";
import { MUTATIONS } from "./mutations.ts";

test("every mutation still fits the code that it breaks", async () => {
  for (const { name, file, find } of MUTATIONS) {
    const source = await Bun.file(join(import.meta.dir, "..", "..", file)).text();
    expect({ name, times: source.split(find).length - 1 }).toEqual({ name, times: 1 });
  }
});
