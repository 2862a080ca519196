import { expect, test } from "bun:test";
import { abandonPieces, joinPieces, overhearPieces } from "../../src/peer/pieces.ts";
import { createPieces } from "./pieces.ts";

async function* each(pieces: readonly unknown[]): AsyncGenerator {
  for (const piece of pieces) yield await Promise.resolve(piece);
}

test("pieces are joined as they come, and whoever watches sees the text grow", async () => {
  const seen: string[] = [];
  expect(await joinPieces(each(["a", "", "bc"]), (whole) => seen.push(whole))).toBe("abc");
  expect(seen).toEqual(["a", "a", "abc"]);
  expect(await joinPieces(each([]))).toBe("");
});

test.each([
  ["too much in one piece", ["x".repeat(65_537)], { code: "MESSAGE_TOO_LARGE" }],
  ["too much in many pieces", Array(4).fill("€".repeat(6_000)), { code: "MESSAGE_TOO_LARGE" }],
  ["bytes", [new Uint8Array(2)], { code: "USAGE", message: expect.stringContaining("type object") }],
  ["nothing at all", ["a", undefined], { code: "USAGE", message: expect.stringContaining("type undefined") }],
])("%s is refused, and whatever brings it may end", async (_, pieces, error) => {
  let hasEnded = false;
  async function* source(): AsyncGenerator {
    try {
      yield* each(pieces);
      yield await Promise.resolve("never asked for");
    } finally {
      hasEnded = true;
    }
  }
  expect(await joinPieces(source()).catch((thrown: unknown) => thrown)).toMatchObject(error);
  expect(hasEnded).toBe(true);
});

test("as much as fits into a message is joined", async () => {
  expect(await joinPieces(each(["x".repeat(65_536)]))).toHaveLength(65_536);
});

test("what nobody reads may end, a stream and a generator that was not begun", async () => {
  const pieces = createPieces();
  await abandonPieces(pieces);
  expect(pieces.isAbandoned).toBe(true);
  await abandonPieces(each(["a"]));
});

test("who overhears pieces is told each as it is read, and what brings them may end as before", async () => {
  const heard: string[] = [];
  const pieces = createPieces();
  pieces.add("a");
  pieces.add("b");
  for await (const piece of overhearPieces(pieces, (one) => heard.push(one))) if (piece === "b") break;
  expect([heard, pieces.isAbandoned]).toEqual([["a", "b"], true]);
  const unread = createPieces();
  await abandonPieces(overhearPieces(unread, (one) => heard.push(one)));
  expect([heard, unread.isAbandoned]).toEqual([["a", "b"], true]);
});
