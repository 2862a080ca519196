import { expect, test } from "bun:test";
import { createIdentity } from "../../src/identity/identity.ts";
import { signLogin } from "../../src/registry/proof.ts";
import { LOGIN_RETURN_MS, LoginRoom } from "../../src/registry/login-room.ts";
import { makeRecord, openRegistry, RawSession, socketWorld } from "./setting.ts";

test("there are so many places, and each is free again when its login is done", () => {
  const room = new LoginRoom(socketWorld(), 2);
  const first = room.enter();
  expect([room.enter() !== undefined, room.enter()]).toEqual([true, undefined]);
  first?.[Symbol.dispose]();
  expect(room.enter()).toBeDefined();
});

test("whoever found no place is asked to come again at a moment of its own", () => {
  const chances = [0, 0.5, 1];
  const room = new LoginRoom({ ...socketWorld(), random: () => chances.shift() ?? 0 }, 0);
  expect([room.returnMs(), room.returnMs(), room.returnMs()]).toEqual([500, 5_250, LOGIN_RETURN_MS]);
});

test("a login that is for another session costs no signature", async () => {
  await using registry = await openRegistry();
  using session = new RawSession(registry.url);
  const ann = await createIdentity();
  const { registry: id } = await session.challenge();
  const login = await signLogin(
    { id: ann.id, registry: id, nonce: "n".repeat(32), origin: registry.url },
    ann.privateKey,
  );
  const forged = `${login.slice(0, -86)}${"A".repeat(86)}`; // refused for what it says, before its signature is looked at
  session.send({ t: "login", login: forged, record: await makeRecord(ann, { name: "ann" }) });
  expect(await session.next()).toMatchObject({ code: "REGISTRY_REFUSED", message: "a proof for another session" });
});

test("a crowd of logins is checked a few at a time, and the others are told when to come again", async () => {
  await using registry = await openRegistry({ limits: { maxLoginsAtOnce: 3 } });
  const sessions = await Promise.all(
    Array.from({ length: 12 }, async (_, i) => {
      const identity = await createIdentity();
      const session = new RawSession(registry.url);
      return { session, identity, record: await makeRecord(identity, { name: `peer-${i}` }) };
    }),
  );
  const answers = await Promise.all(
    sessions.map(({ session, identity, record }) => session.logIn(identity, { record })),
  );
  const busy = answers.filter((answer) => answer.t === "error");
  expect(answers.filter(({ t }) => t === "welcome").length).toBeGreaterThanOrEqual(3);
  for (const answer of busy) expect(answer).toMatchObject({ code: "REGISTRY_BUSY", after: expect.any(Number) });
  await using full = await openRegistry({ limits: { maxLoginsAtOnce: 0 } });
  using nobody = new RawSession(full.url);
  const { identity, record } = sessions.at(-1) ?? expect.unreachable();
  expect(await nobody.logIn(identity, { record })).toMatchObject({ code: "REGISTRY_BUSY", after: expect.any(Number) });
  using again = new RawSession(registry.url);
  expect((await again.logIn(identity, { record })).t).toBe("welcome");
});
