import { expect, test } from "bun:test";
import * as fc from "fast-check";
import { decodeFrame, encodeFrame, type Frame } from "../../src/wire/frames.ts";

const FRAMES: Frame[] = [
  { t: "hello", v: 1, instance: "i", conn: "c", holds: null, name: "ann", kind: "person", port: 9278 },
  { t: "ready", have: { epoch: "e", n: 3, id: "m.3" }, w: 100 },
  { t: "ready", have: null, w: 0 },
  { t: "start", epoch: "e", low: 1 },
  { t: "msg", n: 1, id: "m.1", at: 1, text: "hi", room: "lab", re: "m.0", hops: 1, parents: ["m.0"] },
  { t: "msg", n: 1, id: "m.1", at: 1, text: "hi", room: "lab", re: "m.0", hops: 1 },
  { t: "msg", n: 1, id: "m.1", at: 1, text: "roll", data: { call: { command: "roll", args: {} } } },
  { t: "draft", id: "m.2", at: 4, text: "and", room: "lab", re: "m.0" },
  { t: "skip", n: 2, to: 3, id: "m.3" },
  { t: "ack", epoch: "e", n: 1, w: 10 },
  { t: "done", k: 1, epoch: "e", ok: [[1, 2]], failed: [[3, "no"]] },
  { t: "got", k: 1 },
  { t: "ping" },
  { t: "pong" },
  { t: "bye", code: "CLOSED", message: "" },
  { t: "notice", code: "TWO_INSTANCES", message: "you are here twice" },
];

test("every kind of frame comes back as it was sent", () => {
  for (const frame of FRAMES) expect(decodeFrame(JSON.parse(encodeFrame(frame)))).toEqual(frame);
});

test("a frame without one of its fields, or with another type in it, is refused", () => {
  const optional = new Set(["room", "re", "hops", "parents", "data"]);
  for (const frame of FRAMES) {
    for (const field of Object.keys(frame)) {
      const { [field]: _, ...without } = frame as unknown as Record<string, unknown>;
      if (!optional.has(field))
        expect(() => decodeFrame(without)).toThrow(expect.objectContaining({ code: "FRAME_MALFORMED" }));
      for (const wrong of [-1, 1.5, true, {}, "\n", NaN]) {
        if ((field === "message" || field === "text") && wrong === "\n") continue;
        if (field === "data" && typeof wrong === "object") continue;
        if (field === "t" && typeof wrong === "string") continue; // an unknown kind
        expect(() => decodeFrame({ ...without, [field]: wrong })).toThrow(field);
      }
    }
  }
});

test("whatever a stranger sends is a frame, of an unknown kind, or a FRAME_MALFORMED, and nothing else", () => {
  const kind = fc.constantFrom(...FRAMES.map(({ t }) => t), "constructor", "__proto__", "toString");
  const value = fc.oneof(
    fc.jsonValue(),
    fc
      .record({ t: kind })
      .chain((base) => fc.dictionary(fc.string(), fc.jsonValue()).map((more) => ({ ...more, ...base }))),
    fc
      .constantFrom(...FRAMES)
      .chain((frame) =>
        fc
          .constantFrom(...Object.keys(frame))
          .chain((field) => fc.jsonValue().map((junk) => ({ ...frame, [field]: junk }))),
      ),
  );
  fc.assert(
    fc.property(value, (junk) => {
      try {
        const frame = decodeFrame(junk);
        const kinds = FRAMES.map(({ t }) => t);
        if (frame) expect(kinds).toContain(frame.t);
        else expect(kinds).not.toContain((junk as Frame).t);
      } catch (error) {
        expect(error).toMatchObject({ code: "FRAME_MALFORMED" });
      }
    }),
    { numRuns: 2_000 },
  );
});

test("fields and kinds that a later version adds are ignored", () => {
  expect(decodeFrame({ t: "ping", mood: "good" })?.t).toBe("ping");
  for (const t of ["gossip", "constructor", "__proto__"]) expect(decodeFrame({ t })).toBeUndefined();
});
