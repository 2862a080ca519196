import { afterEach, beforeEach, expect, test } from "bun:test";
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { givenInCode, parseConfig } from "../../src/bot/config.ts";
import { type AttachedPlugin, attachPlugin } from "../../src/bot/host.ts";
import type { Job } from "../../src/bot/job.ts";
import { MAX_HOPS } from "../../src/bot/loops.ts";
import { dropJobs, type JobInfo, listJobs, openJobRows } from "../../src/bot/job-rows.ts";
import { MAX_JOBS } from "../../src/bot/jobs.ts";
import { type Bot, definePlugin } from "../../src/bot/plugin.ts";
import { secret } from "../../src/bot/secret.ts";
import type { Peer } from "../../src/peer/peer.ts";
import { type Burrow, createBurrow, hear } from "../peer/burrow.ts";
import { FakePeer } from "./fake-peer.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

let folder: string;
beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), "warren-jobs-"))));
afterEach(() => rm(folder, { recursive: true }));

const clerk = (setup: (bot: Bot) => unknown) => definePlugin({ name: "clerk", about: "does things later", setup });

async function attach(peer: FakePeer, setup: (bot: Bot) => unknown): Promise<AttachedPlugin> {
  return await attachPlugin(clerk(setup), peer);
}

const jobsOf = (peer: FakePeer | Peer): JobInfo[] => listJobs(openJobRows(peer, "clerk"));

/** A bot with a job that says its payload in `ran`, and fails while `isBroken()`. */
async function reminder(peer = new FakePeer(), isBroken = () => false) {
  const ran: string[] = [];
  const handle: { remind?: Job<{ text: string }> } = {};
  const attached = await attach(peer, (bot) => {
    handle.remind = bot.job(
      "remind",
      ({ payload, attempt }) => {
        ran.push(`${payload.text} ${attempt}`);
        if (isBroken()) throw new Error("no voice");
      },
      { payload: z.object({ text: z.string() }) },
    );
  });
  if (!handle.remind) throw new Error("setup did not run");
  return { peer, ran, attached, remind: handle.remind };
}

test("a job runs once, when its time has come", async () => {
  const { peer, ran, remind } = await reminder();
  await remind.in("10m", { text: "stretch" });
  await remind.at(new Date(peer.clock.now() + MINUTE), { text: "stand" });
  await remind.at(0, { text: "breathe" });
  await peer.clock.advance(10 * MINUTE - 1);
  expect(ran).toEqual(["breathe 1", "stand 1"]);
  await peer.clock.advance(1);
  await peer.clock.advance(DAY);
  expect(ran).toEqual(["breathe 1", "stand 1", "stretch 1"]);
  expect(remind.list()).toEqual([]);
});

test("a job that is cancelled does not run", async () => {
  const { peer, ran, remind } = await reminder();
  const id = await remind.in("10m", { text: "stretch" });
  const other = await remind.in("20m", { text: "stand" });
  expect(remind.list().map((job) => [job.id, job.payload.text])).toEqual([
    [id, "stretch"],
    [other, "stand"],
  ]);
  expect([await remind.cancel(id), await remind.cancel(id), await remind.cancel("nothing")]).toEqual([
    true,
    false,
    false,
  ]);
  await peer.clock.advance(DAY);
  expect(ran).toEqual(["stand 1"]);
});

test("a job that is cancelled at the moment it begins does not run", async () => {
  await using burrow = createBurrow();
  const bob = await burrow.open("bob");
  let runs = 0;
  const handle: { job?: Job<undefined> } = {};
  await start(burrow, bob, (bot) => void (handle.job = bot.job("job", () => void runs++)));
  const scheduled = handle.job?.in("0s");
  await Promise.all([scheduled, burrow.settle(0)]);
  expect(runs).toBe(1);
  const id = (await Promise.all([handle.job?.in("1s"), burrow.settle(0)]))[0] ?? "";
  burrow.world.clock.after(999, () => burrow.world.clock.after(1, () => void handle.job?.cancel(id)));
  await burrow.settle(2_000);
  expect([runs, jobsOf(bob)]).toEqual([1, []]);
});

test("what recurs can be ended early", async () => {
  const peer = new FakePeer();
  let runs = 0;
  await attach(peer, (bot) => {
    const end = bot.every("1h", () => {
      if (++runs === 2) end();
    });
  });
  await peer.clock.advance(DAY);
  expect(runs).toBe(2);
});

test("a restart keeps the time of a job, and of one that recurs", async () => {
  const peer = new FakePeer();
  const first = await reminder(peer);
  await first.remind.in("10m", { text: "stretch" });
  await peer.clock.advance(6 * MINUTE);
  await first.attached[Symbol.asyncDispose]();
  const second = await reminder(peer);
  await peer.clock.advance(4 * MINUTE);
  expect([first.ran, second.ran]).toEqual([[], ["stretch 1"]]);
  await second.attached[Symbol.asyncDispose]();

  const times: number[] = [];
  const begin = peer.clock.now();
  const daily = (bot: Bot) => bot.every("1d", ({ due }) => void times.push(due - begin));
  const life = await attach(peer, daily);
  await peer.clock.advance(18 * HOUR);
  await life[Symbol.asyncDispose]();
  await attach(peer, daily);
  await peer.clock.advance(6 * HOUR);
  expect(times).toEqual([DAY]);
});

test("another interval begins anew", async () => {
  const peer = new FakePeer();
  const first = await attach(peer, (bot) => bot.every("1d", () => {}, { name: "sweep" }));
  await peer.clock.advance(HOUR);
  await first[Symbol.asyncDispose]();
  const times: number[] = [];
  await attach(peer, (bot) => bot.every("2h", () => void times.push(bot.now()), { name: "sweep" }));
  const begin = peer.clock.now();
  await peer.clock.advance(3 * HOUR);
  expect(times).toEqual([begin + 2 * HOUR]);
});

test("what was missed is caught up once, and then goes on in its old rhythm", async () => {
  const peer = new FakePeer();
  const begin = peer.clock.now();
  const first = await attach(peer, (bot) => bot.every("1h", () => {}));
  await first[Symbol.asyncDispose]();
  await peer.clock.advance(5.5 * HOUR);
  const ran: number[] = [];
  await attach(peer, (bot) => bot.every("1h", () => void ran.push((bot.now() - begin) / HOUR)));
  await peer.clock.advance(HOUR);
  expect(ran).toEqual([5.5, 6]);
});

test("a recurring job does not overlap itself, however long it takes", async () => {
  const peer = new FakePeer();
  const ends: (() => void)[] = [];
  await attach(peer, (bot) => bot.every("1h", () => new Promise<void>((resolve) => ends.push(resolve))));
  await peer.clock.advance(3.5 * HOUR);
  expect(ends).toHaveLength(1);
  ends[0]?.();
  await peer.clock.advance(MINUTE);
  expect(ends).toHaveLength(1);
  await peer.clock.advance(HOUR);
  expect(ends).toHaveLength(2);
});

test("a job that throws is tried three times and then given up, as an error", async () => {
  const { peer, ran, remind } = await reminder(new FakePeer(), () => true);
  await remind.in("0s", { text: "stretch" });
  await peer.clock.advance(0);
  expect(ran).toEqual(["stretch 1"]);
  expect(jobsOf(peer)).toMatchObject([{ attempts: 1, last: { ended: "failed", reason: "no voice" } }]);
  await peer.clock.advance(DAY);
  expect(ran).toEqual(["stretch 1", "stretch 2", "stretch 3"]);
  expect(peer.logged.at(-1)).toBe("error clerk: job remind failed 3 times and is given up: no voice");
  expect(jobsOf(peer)).toEqual([]);
});

test("who wants to know of failures is told of a job that is given up, and nothing that is kept shows a secret", async () => {
  const peer = new FakePeer();
  const failures: string[] = [];
  const plugin = definePlugin({
    name: "clerk",
    about: "calls the web",
    config: z.object({ token: secret() }),
    setup(bot) {
      bot.on("error", ({ where }) => void failures.push(where));
      bot.every("1d", () => Promise.reject(new Error(`no web for ${bot.config.token}`)));
    },
  });
  await attachPlugin(plugin, peer, { config: await parseConfig(plugin, givenInCode({ token: "hunter22" })) });
  await peer.clock.advance(DAY + HOUR);
  expect(failures).toEqual(["job every 1d failed 3 times and is given up"]);
  expect(jobsOf(peer)[0]?.last?.reason).toBe("no web for •••");
  expect(peer.logged.filter((line) => line.includes("hunter22"))).toEqual([]);
});

test("a recurring job that was given up goes on at its next time", async () => {
  const peer = new FakePeer();
  let runs = 0;
  await attach(peer, (bot) =>
    bot.every("1d", () => {
      runs++;
      if (runs <= 3) throw new Error("no ink");
    }),
  );
  await peer.clock.advance(DAY + HOUR);
  expect(runs).toBe(3);
  expect(jobsOf(peer)).toMatchObject([{ id: "every 1d", attempts: 0, last: { ended: "given up", reason: "no ink" } }]);
  await peer.clock.advance(DAY);
  expect(runs).toBe(4);
  expect(jobsOf(peer)).toMatchObject([{ last: { ended: "done" } }]);
});

test("a clock that is set back brings nothing twice", async () => {
  const peer = new FakePeer();
  let runs = 0;
  const { ran, remind } = await reminder(peer);
  await remind.in("1h", { text: "stretch" });
  const other = await attachPlugin(
    definePlugin({
      name: "sexton",
      about: "rings",
      setup: (bot) => bot.cron("0 * * * *", () => void runs++, { zone: "UTC" }),
    }),
    peer,
  );
  await peer.clock.advance(HOUR);
  expect([ran.length, runs]).toEqual([1, 1]);
  peer.clock.jump(-30 * MINUTE);
  await peer.clock.advance(80 * MINUTE);
  expect([ran.length, runs]).toEqual([1, 1]);
  await peer.clock.advance(10 * MINUTE);
  expect(runs).toBe(2);
  await other[Symbol.asyncDispose]();
});

test("not even when it is set back while the job runs", async () => {
  const peer = new FakePeer();
  let runs = 0;
  await attach(peer, (bot) =>
    bot.cron(
      "0 * * * *",
      () => {
        if (++runs === 1) peer.clock.jump(-30 * MINUTE);
      },
      { zone: "UTC" },
    ),
  );
  await peer.clock.advance(HOUR + 89 * MINUTE);
  expect(runs).toBe(1);
  await peer.clock.advance(MINUTE);
  expect(runs).toBe(2);
});

test("a clock that is set forward is noticed within the minute, and no timer is longer", async () => {
  const { peer, ran, remind } = await reminder();
  await remind.in("60d", { text: "pay" });
  expect(peer.clock.untilNext).toBe(MINUTE);
  peer.clock.jump(60 * DAY);
  await peer.clock.advance(MINUTE);
  expect(ran).toEqual(["pay 1"]);
  expect(peer.clock.untilNext).toBeUndefined();
});

test("what is scheduled after the clock was set forward is done at its new time", async () => {
  const { peer, ran, remind } = await reminder();
  await remind.in("60d", { text: "pay" });
  peer.clock.jump(HOUR);
  await remind.in("5s", { text: "stretch" });
  await peer.clock.advance(5_000);
  expect(ran).toEqual(["stretch 1"]);
});

test("when the bot ends, what runs is told, and runs again at the next start as if for the first time", async () => {
  const peer = new FakePeer();
  const attempts: number[] = [];
  let aborted = false;
  const hang = (bot: Bot) => {
    bot.every("1d", ({ attempt, signal }) => {
      attempts.push(attempt);
      signal.addEventListener("abort", () => (aborted = true));
      return new Promise(() => {});
    });
  };
  for (let life = 1; life <= 5; life++) {
    const attached = await attach(peer, hang);
    await peer.clock.advance(life === 1 ? DAY : 0);
    await attached[Symbol.asyncDispose]();
  }
  expect([attempts, aborted]).toEqual([[1, 1, 1, 1, 1], true]);
});

test("jobs that nothing runs any more are kept and told of once, and run when there is something again", async () => {
  const peer = new FakePeer();
  const first = await reminder(peer);
  await first.remind.in("1m", { text: "stretch" });
  await first.remind.in("2m", { text: "stand" });
  await first.attached[Symbol.asyncDispose]();
  const bare = await attach(peer, () => {});
  await peer.clock.advance(HOUR);
  expect(peer.logged).toEqual([
    'warn clerk: jobs wait that nothing runs any more: remind. They are kept: "bun run peer jobs --for-bot clerk" lists them, "jobs drop" drops them',
  ]);
  expect(jobsOf(peer).map(({ registered }) => registered)).toEqual([false, false]);
  await bare[Symbol.asyncDispose]();
  const again = await reminder(peer);
  expect(jobsOf(peer).map(({ registered }) => registered)).toEqual([true, true]);
  await peer.clock.advance(0);
  expect(again.ran).toEqual(["stretch 1", "stand 1"]);
});

test("a recurring job that is registered no more leaves nothing behind", async () => {
  const peer = new FakePeer();
  const first = await attach(peer, (bot) => bot.every("1d", () => {}));
  expect(jobsOf(peer)).toHaveLength(1);
  await first[Symbol.asyncDispose]();
  await attach(peer, () => {});
  expect([jobsOf(peer), peer.logged]).toEqual([[], []]);
});

test("what cannot work is refused with the reason", async () => {
  const refusal = async (setup: (bot: Bot) => unknown) =>
    await attach(new FakePeer(), setup).catch((error: unknown) => String(error));
  expect(await refusal((bot) => [bot.job("a", () => {}), bot.job("a", () => {})])).toContain("two jobs named a");
  expect(await refusal((bot) => bot.job(" ", () => {}))).toContain("a job needs a name");
  expect(await refusal((bot) => bot.every("5ms", () => {}))).toContain('"1s" is the least');
  let late: Bot | undefined;
  await attach(new FakePeer(), (bot) => (late = bot));
  expect(() => late?.every("1d", () => {})).toThrow("register jobs in setup");
});

test("two that recur alike have names of their own", async () => {
  const peer = new FakePeer();
  await attach(peer, (bot) => [bot.every("1d", () => {}), bot.every("1d", () => {})]);
  expect(jobsOf(peer).map(({ id }) => id)).toEqual(["every 1d", "every 1d #2"]);
});

test("a store of the bot cannot be the one of its jobs", async () => {
  const peer = new FakePeer();
  for (const name of [".jobs", "../.jobs/clerk"]) {
    const attached = await attach(peer, async (bot) => {
      bot.every("1d", () => {});
      await bot.store<string>(name).set("every 1d", "nonsense");
    });
    expect(jobsOf(peer)).toMatchObject([{ name: "every 1d" }]);
    expect([...peer.table(`clerk/${name}`).entries()]).toEqual([["every 1d", "nonsense"]]);
    await attached[Symbol.asyncDispose]();
  }
});

test("a job counts the messages of bots that led to it, but is otherwise apart from the handler that scheduled it", async () => {
  const peer = new FakePeer();
  await attach(peer, (bot) => {
    const answer = bot.job("answer", ({ payload }) => bot.send("ann", payload), { payload: z.string() });
    bot.on("message", async ({ text }) => void (await answer.in("0s", text)));
  });
  await peer.hear("once more", { hops: MAX_HOPS - 1 });
  await peer.hear("too often", { hops: MAX_HOPS });
  await peer.clock.settle();
  expect(peer.sent.map(({ text }) => text)).toEqual(["once more"]);
  expect(peer.logged).toEqual(["warn clerk: ann and dice only answer each other: no more is said to that"]);
});

test("an operator drops a job, or all of a name that nothing runs any more, and nothing that recurs", async () => {
  const peer = new FakePeer();
  const { remind, attached, ran } = await reminder(peer);
  const id = await remind.in("1h", { text: "stretch" });
  await remind.in("2h", { text: "stand" });
  expect(await dropJobs(peer, "clerk", id)).toBe(1);
  expect(remind.list()).toMatchObject([{ payload: { text: "stand" } }]);
  await remind.in("3h", { text: "breathe" });
  await attached[Symbol.asyncDispose]();
  await attach(peer, (bot) => bot.every("1d", () => {}));
  expect(jobsOf(peer).map(({ name, registered }) => [name, registered])).toEqual([
    ["remind", false],
    ["remind", false],
    ["every 1d", true],
  ]);
  expect(await dropJobs(peer, "clerk", "remind")).toBe(2);
  expect(jobsOf(peer)).toMatchObject([{ name: "every 1d" }]);
  const refusal = async (which: string) => await dropJobs(peer, "clerk", which).catch((error: unknown) => error);
  expect(await refusal("every 1d")).toMatchObject({
    code: "JOB_UNKNOWN",
    message: expect.stringContaining("it recurs"),
  });
  expect(await refusal("remind")).toMatchObject({ code: "JOB_UNKNOWN" });
  await peer.clock.advance(DAY);
  expect(ran).toEqual([]);
});

test("a bot keeps no more jobs than its bound, those included that nothing runs any more", async () => {
  const peer = new FakePeer();
  const { remind, attached } = await reminder(peer);
  const asked = Array.from({ length: MAX_JOBS + 5 }, () => remind.in("1h", { text: "stretch" }));
  const refused = (await Promise.allSettled(asked)).filter((one) => one.status === "rejected");
  expect(refused.map(({ reason }) => reason as unknown)).toEqual(
    Array.from({ length: 5 }, () => expect.objectContaining({ code: "JOBS_FULL" })),
  );
  await attached[Symbol.asyncDispose]();
  const handle: { other?: Job<undefined> } = {};
  await attach(peer, (bot) => void (handle.other = bot.job("other", () => {})));
  expect(await handle.other?.in("1h").catch((error: unknown) => error)).toMatchObject({ code: "JOBS_FULL" });
  await dropJobs(peer, "clerk", "remind");
  expect(await handle.other?.in("1h")).toBeString();
});

// On real peers: what a crash leaves.

async function pair(burrow: Burrow): Promise<{ ann: Peer; bob: Peer; heard: string[] }> {
  const ann = await burrow.open("ann");
  const bob = await burrow.open("bob", { path: join(folder, "bob.db"), port: 7 });
  await burrow.introduce(ann, bob);
  return { ann, bob, heard: hear(ann) };
}

/** What a kill -9 leaves, opened by another process. */
async function crash(burrow: Burrow, from: string, to: string): Promise<Peer> {
  await cp(join(folder, `${from}.db`), join(folder, `${to}.db`));
  await cp(join(folder, `${from}.db-wal`), join(folder, `${to}.db-wal`));
  burrow.vanish("bob");
  return await burrow.open("bob", { path: join(folder, `${to}.db`), port: 7 });
}

async function start(burrow: Burrow, peer: Peer, setup: (bot: Bot) => unknown): Promise<AttachedPlugin> {
  const attaching = attachPlugin(clerk(setup), peer);
  await burrow.settle();
  return await attaching;
}

test("a job that a crash interrupts goes on, and does nothing twice", async () => {
  await using burrow = createBurrow();
  const { bob, heard } = await pair(burrow);
  const calls: string[] = [];
  const baker = (hangs: boolean) => (bot: Bot) => {
    const counts = bot.store<number>("counts");
    bot.every("1h", async ({ attempt }) => {
      await bot.send("ann", "one");
      await counts.update("baked", (count = 0) => count + 1);
      await bot.effect("oven", () => void calls.push("oven"));
      if (hangs) await new Promise(() => {});
      await bot.send("ann", `two, try ${attempt}`);
    });
  };
  await start(burrow, bob, baker(true));
  await burrow.settle(HOUR);
  const again = await crash(burrow, "bob", "copy");
  await start(burrow, again, baker(false));
  await burrow.settle(30 * MINUTE);
  expect(heard).toEqual(["one", "two, try 2"]);
  expect(calls).toEqual(["oven"]);
  expect(again.table<number>("clerk/counts").get("baked")).toBe(1);
  await burrow.settle(HOUR); // the next time everything is done anew
  expect(heard).toEqual(["one", "two, try 2", "one", "two, try 1"]);
  expect(again.table<number>("clerk/counts").get("baked")).toBe(2);
});

test("a job that ends the process is given up after three times", async () => {
  await using burrow = createBurrow();
  const bob = await burrow.open("bob", { path: join(folder, "bob.db"), port: 7 });
  const attempts: number[] = [];
  const handle: { bomb?: Job<undefined> } = {};
  const bomber = (bot: Bot) => {
    handle.bomb = bot.job("bomb", async ({ attempt }) => {
      attempts.push(attempt);
      await new Promise(() => {});
    });
  };
  await start(burrow, bob, bomber);
  await Promise.all([handle.bomb?.in("0s"), burrow.settle()]);
  let last = "bob";
  for (const next of ["two", "three", "four"]) {
    const peer = await crash(burrow, last, next);
    await start(burrow, peer, bomber);
    last = next;
    if (next === "four") expect(jobsOf(peer)).toEqual([]);
  }
  expect(attempts).toEqual([1, 2, 3]);
});

test("a handler that runs again makes one job", async () => {
  await using burrow = createBurrow();
  const { ann, bob } = await pair(burrow);
  const ran: string[] = [];
  let tries = 0;
  const ids = new Set<string>();
  await start(burrow, bob, (bot) => {
    const remind = bot.job("remind", ({ payload }) => void ran.push(payload), { payload: z.string() });
    bot.on("message", async ({ text }) => {
      ids.add(await remind.in("10m", text));
      if (++tries < 3) throw new Error("dropped the pen");
    });
  });
  await Promise.all([ann.send("bob", "stretch"), burrow.settle()]);
  await burrow.settle(HOUR);
  expect([tries, ids.size, ran]).toEqual([3, 1, ["stretch"]]);
});

test("two that answer each other by jobs fall silent", async () => {
  await using burrow = createBurrow();
  const { ann, bob } = await pair(burrow);
  const hops: number[] = [];
  ann.on("message", (message) => {
    hops.push(message.hops);
    return message.reply("and you?");
  });
  await start(burrow, bob, (bot) => {
    const answer = bot.job("answer", () => bot.send("ann", "and you?"));
    bot.on("message", async () => void (await answer.in("1s")));
  });
  await Promise.all([ann.send("bob", "how are you?"), burrow.settle()]);
  await burrow.settle(HOUR);
  expect(hops).toEqual([1, 3, 5, 7]);
});

test("a job is apart from the handler that scheduled it, however that ends", async () => {
  await using burrow = createBurrow();
  const { ann, bob } = await pair(burrow);
  let runs = 0;
  let tries = 0;
  await start(burrow, bob, (bot) => {
    const note = bot.job("note", async () => {
      runs++;
      await new Promise<void>((resolve) => void burrow.world.clock.after(5_000, resolve));
    });
    bot.on("message", async () => {
      await note.in("0s");
      if (++tries < 3) throw new Error("dropped the pen");
    });
  });
  await Promise.all([ann.send("bob", "stretch"), burrow.settle()]);
  await burrow.settle(HOUR);
  expect([tries, runs, jobsOf(bob)]).toEqual([3, 1, []]);
});

test("what a job has said before it failed is not said again", async () => {
  await using burrow = createBurrow();
  const { bob, heard } = await pair(burrow);
  let tries = 0;
  await start(burrow, bob, (bot) =>
    bot.every("1h", async () => {
      await bot.send("ann", "once");
      if (++tries < 3) throw new Error("no stamps");
    }),
  );
  await burrow.settle(HOUR + 10 * MINUTE);
  expect([tries, heard]).toEqual([3, ["once"]]);
});

test("a disk that fails costs no try: the job is begun again later", async () => {
  await using burrow = createBurrow();
  const bob = await burrow.open("bob");
  const attempts: number[] = [];
  await start(burrow, bob, (bot) =>
    bot.every("1h", async ({ attempt }) => {
      attempts.push(attempt);
      if (attempts.length === 1) burrow.failNextCommit(bob);
      await bot.effect("ring", () => {});
    }),
  );
  await burrow.settle(HOUR - 60); // starting took 50 ms
  burrow.failNextCommit(bob); // that which counts the try
  await burrow.settle(10);
  expect(attempts).toEqual([]);
  await burrow.settle(5 * MINUTE);
  expect(attempts).toEqual([1, 1]);
  expect(jobsOf(bob)).toMatchObject([{ attempts: 0, last: { ended: "done" } }]);
});
