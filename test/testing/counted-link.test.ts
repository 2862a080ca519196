import { expect, test } from "bun:test";
import type { PeerId } from "../../src/base/ids.ts";
import type { Link, LinkHandler } from "../../src/peer/link.ts";
import { CountedLink } from "../../src/testing/counted-link.ts";

/** A link that takes at most three bytes at once; what comes is given to its handler by the test. */
function fakeLink(): { link: Link; handlers: LinkHandler[]; ends: string[] } {
  const handlers: LinkHandler[] = [];
  const ends: string[] = [];
  const link: Link = {
    peer: "p" as PeerId,
    remote: { host: "127.0.0.1", port: 1 },
    dialled: true,
    open: (handler) => void handlers.push(handler),
    write: (bytes) => Math.min(3, bytes.byteLength),
    pause: () => void ends.push("pause"),
    resume: () => void ends.push("resume"),
    end: () => void ends.push("end"),
    terminate: () => void ends.push("terminate"),
  };
  return { link, handlers, ends };
}

test("what was taken at one end and has not come at the other is counted, byte by byte", () => {
  const [a, b] = [fakeLink(), fakeLink()];
  const [near, far] = [new CountedLink(a.link), new CountedLink(b.link)];
  const got: number[] = [];
  far.open({ data: ({ byteLength }) => void got.push(byteLength), drain() {}, closed() {} });
  expect(near.write(new Uint8Array(5))).toBe(3);
  expect([far.awaitedFrom(near), near.awaitedFrom(far)]).toEqual([3, 0]);
  b.handlers[0]?.data(new Uint8Array(2));
  expect([far.awaitedFrom(near), got]).toEqual([1, [2]]);
});

test("it is paused and closed by either side, and one whose process is gone tells nobody", () => {
  const [left, lost, dead] = [fakeLink(), fakeLink(), fakeLink()];
  const told: string[] = [];
  const links = [left, lost, dead].map(({ link }) => new CountedLink(link));
  links[0]?.pause();
  links[0]?.resume();
  for (const link of links) link.open({ data() {}, drain() {}, closed: () => void told.push("closed") });
  links[0]?.end();
  lost.handlers[0]?.closed();
  links[2]?.kill();
  dead.handlers[0]?.closed();
  expect(links.map(({ isClosed }) => isClosed)).toEqual([true, true, true]);
  expect([told, left.ends, dead.ends]).toEqual([["closed"], ["pause", "resume", "end"], ["terminate"]]);
});
