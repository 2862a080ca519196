import { expect, test } from "bun:test";
import { ownerOf, perMinute, plainAddress, RateLimit, TokenBucket } from "../../src/base/rate.ts";
import { ManualClock } from "../../src/testing/manual-clock.ts";

test("a bucket gives so many at once, then as many again over a minute, and says how long to wait", async () => {
  const clock = new ManualClock();
  const bucket = new TokenBucket(clock, perMinute(3));
  expect([1, 2, 3, 4].map(() => bucket.take())).toEqual([0, 0, 0, 20_000]);
  await clock.advance(19_999);
  expect(bucket.take()).toBeGreaterThan(0);
  await clock.advance(1);
  expect([bucket.take(), bucket.take()]).toEqual([0, 20_000]);
  await clock.advance(3_600_000);
  expect([1, 2, 3, 4].map(() => bucket.take())).toEqual([0, 0, 0, 20_000]);
});

test("several are taken together or not at all, and it can be asked how many there are", async () => {
  const clock = new ManualClock();
  const limit = new RateLimit(clock, { burst: 10, perSecond: 5 });
  expect([limit.available("a"), limit.take("a", 8), limit.available("a"), limit.take("a", 3)]).toEqual([10, 0, 2, 200]);
  await clock.advance(1_000);
  expect([limit.available("a"), limit.take("a", 7), limit.available("a")]).toEqual([7, 0, 0]);
});

test("keys do not disturb one another", () => {
  const limit = new RateLimit(new ManualClock(), perMinute(1));
  expect([limit.take("a"), limit.take("b"), limit.take("a")]).toEqual([0, 0, 60_000]);
});

test("an IPv6 owner has one bucket for all of its addresses, an IPv4 one for its only one", () => {
  expect(ownerOf("192.0.2.7")).toBe("192.0.2.7");
  expect(ownerOf("2001:db8:1:2:3:4:5:6")).toBe("2001:db8:1:2");
  expect(ownerOf("2001:db8:1:2::9")).toBe("2001:db8:1:2");
  expect(ownerOf("2001:db8::9")).toBe("2001:db8:0:0");
  expect(ownerOf("::1")).toBe("0:0:0:0");
  expect(plainAddress("::ffff:192.0.2.7")).toBe("192.0.2.7");
  expect(plainAddress("::1")).toBe("::1");
});
