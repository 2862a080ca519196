import { expect, test } from "bun:test";
import { silentLog } from "../../src/base/log.ts";
import { createIdentity } from "../../src/identity/identity.ts";
import { RegistryCore } from "../../src/registry/core.ts";
import { DialBack } from "../../src/registry/dial-back.ts";
import { parseServerFrame, type ServerFrame } from "../../src/registry/frames.ts";
import { DEFAULT_LIMITS } from "../../src/registry/limits.ts";
import { LocalStore } from "../../src/registry/local-store.ts";
import { openChallenge, signLogin } from "../../src/registry/proof.ts";
import { PeerSession } from "../../src/registry/session.ts";
import { makeRecord, socketWorld, temporaryFolder } from "./setting.ts";

const ORIGIN = "http://registry.example";

test("who is dialled back is told, and again only when it listens elsewhere", async () => {
  await using folder = await temporaryFolder();
  const world = socketWorld();
  await using store = await LocalStore.open(folder.path, world, DEFAULT_LIMITS);
  const identity = await createIdentity();
  const core = new RegistryCore({ identity, store, world, log: silentLog, limits: DEFAULT_LIMITS });
  await core.resume();
  const knocks: string[] = [];
  const dialBack = new DialBack(world.clock, ({ host, port }) => {
    knocks.push(`${host} ${port}`);
    return Promise.resolve(port === 9_278);
  });
  const frames: ServerFrame[] = [];
  const session = new PeerSession({
    core,
    pipe: {
      send(text) {
        const frame = parseServerFrame(text);
        if (frame) frames.push(frame);
        return true;
      },
      close() {},
    },
    dialled: "n".repeat(32),
    address: "198.51.100.7",
    isOwnOrigin: (origin) => origin === ORIGIN,
    onLogin() {},
    dialBack,
  });
  const next = async (kind: ServerFrame["t"]): Promise<ServerFrame> => {
    for (;;) {
      const at = frames.findIndex(({ t }) => t === kind);
      const [frame] = at < 0 ? [] : frames.splice(0, at + 1).slice(-1);
      if (frame) return frame;
      await world.clock.advance(0);
    }
  };
  const challenge = await next("challenge");
  const ann = await createIdentity();
  const { registry, nonce } = await openChallenge(challenge.t === "challenge" ? challenge.challenge : "");
  const login = await signLogin({ id: ann.id, registry, nonce, origin: ORIGIN }, ann.privateKey);
  const record = (seq: number, port: number): Promise<string> =>
    makeRecord(ann, { name: "ann", seq, addresses: [{ host: "203.0.113.99", port }] });
  session.receive(JSON.stringify({ t: "login", login, record: await record(1, 9_278) }));
  expect(await next("welcome")).toMatchObject({ seen: "198.51.100.7" });
  expect(await next("reachable")).toEqual({ t: "reachable", reachable: "yes", port: 9_278 });
  session.receive(JSON.stringify({ t: "record", record: await record(2, 9_278) }));
  await next("recorded");
  session.receive(JSON.stringify({ t: "record", record: await record(3, 9_279) }));
  expect(await next("reachable")).toEqual({ t: "reachable", reachable: "no", port: 9_279 });
  expect(knocks).toEqual(["198.51.100.7 9278", "198.51.100.7 9279"]);
});
