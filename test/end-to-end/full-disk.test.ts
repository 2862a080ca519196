import { afterEach, expect, test } from "bun:test";
import { mkdtemp, rm, rmdir, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describeError } from "../../src/base/errors.ts";
import { Scope } from "../../src/base/scope.ts";
import { systemWorld, type World } from "../../src/base/world.ts";
import { openPeer, type OpenedPeer } from "../../src/warren.ts";

/** Some pages of the database each, so that a small disk is soon full. */
const PADDING = "x".repeat(16_000);
/** Pauses between tries are waited through, not slept through. */
const HURRIED: World = {
  ...systemWorld,
  clock: { ...systemWorld.clock, after: (ms, task) => systemWorld.clock.after(ms / 20, task) },
};

let scope = new Scope();
afterEach(async () => {
  await scope.close(); // peers before the disks that they are on
  scope = new Scope();
});

/** A disk of 2 MiB, half of which is taken by something that can go away. */
class SmallDisk {
  readonly path: string;

  static async mount(): Promise<SmallDisk> {
    const path = await mkdtemp(join(tmpdir(), "warren-disk-"));
    scope.defer(() => rmdir(path));
    await run("mount", "-t", "tmpfs", "-o", "size=2m", "warren", path);
    scope.defer(() => run("umount", "--lazy", path));
    const disk = new SmallDisk(path);
    await Bun.write(disk.#ballast, new Uint8Array(1_048_576));
    return disk;
  }

  private constructor(path: string) {
    this.path = path;
  }

  get #ballast(): string {
    return join(this.path, "ballast");
  }

  async free(): Promise<void> {
    await rm(this.#ballast);
  }
}

async function run(...command: string[]): Promise<void> {
  const child = Bun.spawn(command, { stderr: "pipe" });
  if ((await child.exited) !== 0) throw new Error(`${command.join(" ")}: ${await child.stderr.text()}`);
}

/** Why no disk can be mounted here; undefined if one can. */
async function obstacle(): Promise<string | undefined> {
  if (process.platform !== "linux") return "a disk in memory is mounted as Linux does it";
  try {
    await SmallDisk.mount();
    return undefined;
  } catch (error) {
    return describeError(error);
  } finally {
    await scope.close();
    scope = new Scope();
  }
}

const why = await obstacle();
if (why !== undefined) console.warn(`a full disk is not tried: ${why}`);

async function open(name: string, home?: string): Promise<OpenedPeer> {
  const folder = home ?? (await mkdtemp(join(tmpdir(), "warren-roomy-")));
  if (home === undefined) scope.defer(() => rm(folder, { recursive: true }));
  const peer = await openPeer({ name, home: folder, host: "127.0.0.1", registry: "none", world: HURRIED });
  scope.defer(() => peer.close());
  return peer;
}

/** What a peer's handlers are given, without the padding, and a way to wait for it. */
class Heard {
  readonly texts: string[] = [];
  #look = (): void => {};

  constructor(peer: OpenedPeer) {
    peer.on("message", ({ text }) => {
      this.texts.push(text.slice(0, -PADDING.length));
      this.#look();
    });
  }

  until(text: string): Promise<void> {
    return new Promise((resolve) => {
      this.#look = () => this.texts.includes(text) && resolve();
      this.#look();
    });
  }
}

/** Sends number after number. */
async function sendUntilItFails(peer: OpenedPeer, to: string): Promise<{ accepted: string[]; failure?: unknown }> {
  const accepted: string[] = [];
  try {
    for (let n = 1; n < 1_000; n++) {
      await peer.send(to, `${n}${PADDING}`);
      accepted.push(String(n));
    }
  } catch (failure) {
    return { accepted, failure };
  }
  return { accepted };
}

const testDisk = test.skipIf(why !== undefined);

testDisk("a sender whose disk is full says so, and keeps what it has accepted", async () => {
  const disk = await SmallDisk.mount();
  const [ann, bob] = [await open("ann", disk.path), await open("bob")];
  const heard = new Heard(bob);
  const { id } = await ann.resolve(`127.0.0.1:${bob.port}`);
  const { accepted, failure } = await sendUntilItFails(ann, id);
  expect(failure).toMatchObject({
    code: "STORE_FAILED",
    message: "nothing was saved: the disk is full: free some space",
  });
  expect(accepted.length).toBeGreaterThan(10);

  await disk.free();
  await ann.send(id, `again${PADDING}`);
  await heard.until("again");
  expect(heard.texts).toEqual([...accepted, "again"]);
});

testDisk("who starts on a full disk is told to free some space", async () => {
  const disk = await SmallDisk.mount();
  await (await open("ann", disk.path)).close();
  await writeFile(join(disk.path, "rest"), new Uint8Array(2 ** 24)).catch(() => {}); // as much as there is room for
  expect(await open("ann", disk.path).catch((error: unknown) => error)).toMatchObject({
    code: "HOME_UNWRITABLE",
    message: expect.stringMatching(/full.*: free some space, or give another folder with --home$/),
  });
});

testDisk("a receiver whose disk is full acknowledges nothing that it has not stored", async () => {
  const disk = await SmallDisk.mount();
  const [ann, bob] = [await open("ann"), await open("bob", disk.path)];
  const heard = new Heard(bob);
  const { id } = await ann.resolve(`127.0.0.1:${bob.port}`);
  const failures: string[] = [];
  const failedAgain = new Promise<void>((resolve) => {
    bob.on("notice", ({ code }) => failures.push(code) === 3 && resolve()); // it is tried again, and gets no further
  });
  const all = Array.from({ length: 80 }, (_, i) => String(i + 1)); // more than the disk holds
  const sent = await Promise.all(all.map((text) => ann.send(id, `${text}${PADDING}`)));
  const acknowledged: string[] = [];
  const delivered = Promise.all(sent.map((one, i) => one.delivered.then(() => acknowledged.push(all[i] ?? ""))));
  await Promise.race([failedAgain, delivered]);
  const promised = [...acknowledged]; // more may come while we look at what is stored
  const stored = await textsOf(bob, ann);
  expect(new Set(failures)).toEqual(new Set(["STORE_FAILED"]));
  expect(promised.length).toBeLessThan(all.length);
  expect(stored).toEqual(expect.arrayContaining(promised));

  await disk.free();
  await delivered;
  await heard.until(String(all.length));
  expect(await textsOf(bob, ann)).toEqual(all);
  // Handlers run before the commit: those whose turn was undone run again, as after a crash.
  expect([...new Set(heard.texts)]).toEqual(all);
});

async function textsOf(peer: OpenedPeer, other: OpenedPeer): Promise<string[]> {
  const entries = await peer.history(other.id, { limit: 1_000 });
  return entries.map(({ text }) => text.slice(0, -PADDING.length));
}
