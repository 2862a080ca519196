/** Lines and words of the protocol between peers, as seeds. */

export const FRAME_LINES: readonly string[] = [
  { t: "hello", v: 1, instance: "i", conn: "c", holds: null, name: "ann", kind: "person", port: 9278 },
  { t: "hello", v: 1, instance: "i", conn: "c", holds: "b", name: "dice", kind: "bot", port: 0 },
  { t: "ready", have: { epoch: "e", n: 3, id: "m.3" }, w: 100 },
  { t: "ready", have: null, w: 0 },
  { t: "start", epoch: "e", low: 1 },
  { t: "msg", n: 1, id: "m.1", at: 1, text: "hi", room: "lab", re: "m.0", hops: 1, parents: ["m.0"] },
  { t: "msg", n: 2, id: "m.2", at: 2, text: "grüß dich €" },
  { t: "msg", n: 3, id: "m.3", at: 3, text: "roll", data: { call: { command: "roll", args: { times: 3 } } } },
  { t: "msg", n: 4, id: "m.4", at: 4, text: "4", re: "m.3", data: { result: [1, null, "a"] } },
  { t: "draft", id: "m.3", at: 0, text: "grü", room: "lab", re: "m.0" },
  { t: "draft", id: "m.3", at: 3, text: "ß dich" },
  { t: "skip", n: 2, to: 3, id: "m.3" },
  { t: "ack", epoch: "e", n: 1, w: 10 },
  { t: "done", k: 1, epoch: "e", ok: [[1, 2]], failed: [[3, "no"]] },
  { t: "got", k: 1 },
  { t: "ping" },
  { t: "pong" },
  { t: "bye", code: "CLOSED", message: "" },
  { t: "bye", code: "TWO_INSTANCES", message: "twice" },
  { t: "notice", code: "TWO_INSTANCES", message: "you are here twice" },
].map((frame) => `${JSON.stringify(frame)}\n`);

const KINDS = "hello ready start msg draft skip ack done got ping pong bye notice".split(" ");
const FIELDS =
  '"have":null "w": "n":1 "low":2 "epoch":"e" "holds":null "port": "v":2 "id":"" [[1,1]] "data":{} "data":[] {"a":{"a":{"a":'.split(
    " ",
  );

export const FRAME_TOKENS: readonly string[] = [...FRAME_LINES, ...KINDS, ...FIELDS];
