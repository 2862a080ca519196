import { expect, test } from "bun:test";
import { Link } from "../../src/registry/link.ts";
import { SocketClock } from "./setting.ts";

/** A server that takes every socket, says `greeting`, and hands out what it hears. */
async function served(greeting: string[], run: (url: string, heard: () => Promise<string>) => Promise<void>) {
  const lines: string[] = [];
  let wake: (() => void) | undefined;
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: (request, self) => (self.upgrade(request) ? undefined : new Response(null, { status: 400 })),
    websocket: {
      open: (socket) => greeting.forEach((text) => socket.send(text)),
      message(_socket, text) {
        lines.push(String(text));
        wake?.();
      },
    },
  });
  const heard = async (): Promise<string> => {
    if (lines.length === 0) await new Promise<void>((resolve) => (wake = resolve));
    return lines.shift() ?? "";
  };
  await run(`http://127.0.0.1:${server.port}`, heard).finally(() => server.stop(true));
}

const PONG = '{"t":"pong"}';

test("it speaks up three times within a lease, and gives up after one in which nothing came", () =>
  served([PONG], async (url, heard) => {
    const clock = new SocketClock();
    using link = new Link(url, "n".repeat(32), clock);
    expect(await link.next()).toEqual({ t: "pong" });
    link.keep(30_000);
    await clock.advance(10_000);
    expect(await heard()).toBe('{"t":"ping"}');
    await clock.advance(10_000);
    expect(await heard()).toBe('{"t":"ping"}');
    const end = link.next().catch((error: unknown) => error);
    await clock.advance(10_000);
    expect(await end).toMatchObject({
      code: "CONNECTION_LOST",
      message: expect.stringContaining("silent for 30000 ms"),
    });
  }));

test("more frames than anybody reads at once all come, in order", () => {
  const frames = Array.from({ length: 2_000 }, (_, seq) => `{"t":"recorded","seq":${seq},"grant":""}`);
  return served(frames, async (url) => {
    using link = new Link(url, "n".repeat(32), new SocketClock());
    for (let seq = 0; seq < frames.length; seq++) expect(await link.next()).toMatchObject({ seq });
  });
});

test("a kind of frame that a later version adds is passed over", () =>
  served(['{"t":"sing"}', PONG], async (url) => {
    using link = new Link(url, "n".repeat(32), new SocketClock());
    expect((await link.next()).t).toBe("pong");
  }));

test("a frame that is too long, or none, is refused when its turn comes", async () => {
  for (const bad of ["x".repeat(70_000), "{}", "null"]) {
    await served([PONG, bad], async (url) => {
      using link = new Link(url, "n".repeat(32), new SocketClock());
      await link.next();
      expect(await link.next().catch((error: unknown) => error)).toMatchObject({ code: "FRAME_MALFORMED" });
    });
  }
});
