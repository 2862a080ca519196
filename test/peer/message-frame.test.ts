import { expect, test } from "bun:test";
import * as fc from "fast-check";
import { encodeMessage, toFrame } from "../../src/peer/message-frame.ts";
import { decodeFrame, encodeFrame } from "../../src/wire/frames.ts";

const row = fc.record({
  seq: fc.integer({ min: 1 }),
  id: fc.stringMatching(/^[\w.-]{1,64}$/),
  place: fc.nat(),
  at: fc.nat(),
  born: fc.nat(),
  hops: fc.integer({ min: 0, max: 9 }),
  room: fc.option(fc.stringMatching(/^[a-z0-9][a-z0-9-]{0,31}$/)),
  re: fc.option(fc.stringMatching(/^[\w.-]{1,64}$/)),
  text: fc.string({ unit: "binary", minLength: 1 }),
  data: fc.option(fc.dictionary(fc.string(), fc.json()).map((data) => JSON.stringify(data))),
});

test("the line of a message is that of its frame, whatever is in it", () => {
  fc.assert(
    fc.property(row, (message) => {
      const line = encodeMessage(message);
      expect(line).toBe(encodeFrame(toFrame(message)));
      expect(decodeFrame(JSON.parse(line))).toEqual(toFrame(message));
    }),
  );
});
