import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Socket } from "bun";
import { startRegistry } from "../../src/registry/server.ts";
import { openPeer } from "../../src/warren.ts";

let home: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "warren-observer-"));
});
afterEach(() => rm(home, { recursive: true }));

interface Pipe {
  other: Socket<Pipe> | undefined;
}

/** Somebody in the middle: keeps every byte, and passes on what `meddle` makes of it. */
function tap(
  port: () => number,
  meddle: (bytes: Buffer) => Buffer,
): { port: number; seen: Buffer[]; stop: () => void } {
  const seen: Buffer[] = [];
  const pass = (socket: Socket<Pipe>, chunk: Buffer): void => {
    seen.push(Buffer.from(chunk));
    socket.data.other?.write(meddle(Buffer.from(chunk)));
  };
  const end = (socket: Socket<Pipe>): void => socket.data?.other?.terminate();
  const server = Bun.listen<Pipe>({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      async open(socket) {
        socket.data = { other: undefined };
        socket.pause();
        const handlers = { data: pass, close: end, error: end };
        socket.data.other = await Bun.connect<Pipe>({
          hostname: "127.0.0.1",
          port: port(),
          data: { other: socket },
          socket: handlers,
        });
        socket.resume();
      },
      data: pass,
      close: end,
      error: end,
    },
  });
  return { port: server.port, seen, stop: () => server.stop(true) };
}

const SECRET = "the key is under the mat";

test("who sees every byte between two peers reads nothing of what they say", async () => {
  await using ann = await openPeer({ name: "ann", home, host: "127.0.0.1", registry: "none" });
  await using bob = await openPeer({ name: "bob", home, host: "127.0.0.1", registry: "none" });
  bob.on("message", (message) => message.reply(SECRET));
  const wire = tap(
    () => bob.port,
    (bytes) => bytes,
  );
  const answered = new Promise<string>((resolve) => ann.on("message", ({ text }) => resolve(text)));
  await ann.send(`127.0.0.1:${wire.port}`, SECRET);
  expect(await answered).toBe(SECRET);
  const all = Buffer.concat(wire.seen);
  expect(all.byteLength).toBeGreaterThan(2_000);
  for (const word of [SECRET, "mat", "hello", "ann"]) expect(all.includes(word)).toBe(false);
  wire.stop();
});

test("who changes a byte between two peers breaks the connection, and changes no message", async () => {
  await using ann = await openPeer({ name: "ann", home, host: "127.0.0.1", registry: "none" });
  await using bob = await openPeer({ name: "bob", home, host: "127.0.0.1", registry: "none" });
  const heard: string[] = [];
  bob.on("message", ({ text }) => void heard.push(text));
  let isMeddling = false;
  const wire = tap(
    () => bob.port,
    (bytes) => {
      const last = bytes.byteLength - 1;
      if (isMeddling) bytes[last] = (bytes[last] ?? 0) ^ 1;
      return bytes;
    },
  );
  const first = await ann.send(`127.0.0.1:${wire.port}`, "unharmed");
  await first.handled;
  isMeddling = true;
  const second = await ann.send(bob.id, SECRET); // arrives by bob's own address, once the tapped path has broken
  await second.handled;
  expect(heard).toEqual(["unharmed", SECRET]);
  wire.stop();
});

test("who sees every byte of a registry sees names, and no message", async () => {
  let port = 0;
  const wire = tap(
    () => port,
    (bytes) => bytes,
  );
  const url = `http://127.0.0.1:${wire.port}`;
  await using registry = await startRegistry({ folder: join(home, "registry"), port: 0, urls: [url] });
  port = registry.port;
  await using ann = await openPeer({ name: "ann", home, host: "127.0.0.1", registry: url });
  await using bob = await openPeer({ name: "bob", home, host: "127.0.0.1", registry: url });
  const heard = new Promise<string>((resolve) => bob.on("message", ({ text }) => resolve(text)));
  await new Promise<void>((resolve) => ann.on("peer:online", () => resolve()));
  await ann.send("bob", SECRET);
  expect(await heard).toBe(SECRET);
  const all = Buffer.concat(wire.seen);
  expect(all.includes("welcome")).toBe(true);
  expect(all.includes(SECRET)).toBe(false);
  await ann.close();
  await bob.close();
  wire.stop();
});
