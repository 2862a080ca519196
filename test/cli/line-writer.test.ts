import { expect, test } from "bun:test";
import { LineWriter } from "../../src/cli/line-writer.ts";

/** A socket that takes at most `room` bytes until it is given more. */
function socketWith(room: number) {
  const socket = {
    room,
    taken: "",
    isEnded: false,
    write(bytes: Uint8Array): number {
      const count = Math.min(socket.room, bytes.byteLength);
      socket.room -= count;
      socket.taken += Buffer.from(bytes.subarray(0, count)).toString("latin1");
      return count;
    },
    end: () => void (socket.isEnded = true),
  };
  return socket;
}

test("what the socket does not take is kept, and goes on where it stopped", () => {
  const socket = socketWith(5);
  const lines = new LineWriter(socket);
  lines.push({ a: 1 });
  lines.push({ b: "ü" });
  expect([socket.taken, lines.waiting]).toEqual(['{"a":', 3 + 10]);
  socket.room = 4;
  lines.drain();
  expect(socket.taken).toBe('{"a":1}\n{');
  socket.room = 100;
  lines.drain();
  expect(Buffer.from(socket.taken, "latin1").toString()).toBe('{"a":1}\n{"b":"ü"}\n');
  expect(lines.waiting).toBe(0);
});

test("the socket is ended when everything is written, and not before", () => {
  const socket = socketWith(3);
  const lines = new LineWriter(socket);
  lines.push([]);
  lines.push([]);
  lines.end();
  expect([socket.taken, socket.isEnded]).toEqual(["[]\n", false]);
  socket.room = 100;
  lines.drain();
  expect([socket.taken, socket.isEnded]).toEqual(["[]\n[]\n", true]);
});

test("one that is closed takes nothing, and nothing is asked of it again", () => {
  let writes = 0;
  const closed = {
    write(): number {
      writes++;
      return -1;
    },
    end() {},
  };
  new LineWriter(closed).push({});
  expect(writes).toBe(1);
});
