import { expect, test } from "bun:test";
import { Standpoint } from "../../src/registry/standpoint.ts";

function seenAt(host: string): Standpoint {
  const standpoint = new Standpoint();
  standpoint.seenAt(host);
  return standpoint;
}

test("where it answers is known once the registry has said so, and until it is seen elsewhere", () => {
  const standpoint = seenAt("198.51.100.7");
  expect([standpoint.reachable, standpoint.address]).toEqual(["unknown", undefined]);
  expect(standpoint.found({ reachable: "yes", port: 9_278 })).toBeUndefined();
  expect([standpoint.reachable, standpoint.address]).toEqual(["yes", { host: "198.51.100.7", port: 9_278 }]);
  standpoint.seenAt("198.51.100.7"); // a reconnect
  standpoint.found({ reachable: "unknown", port: 9_278 });
  expect(standpoint.reachable).toBe("yes");
  standpoint.seenAt("198.51.100.8");
  expect([standpoint.reachable, standpoint.address]).toEqual(["unknown", undefined]);
});

test("that it cannot be dialled is told once, with what to do", () => {
  const standpoint = seenAt("198.51.100.7");
  const notice = standpoint.found({ reachable: "no", port: 9_278 });
  expect(notice).toMatchObject({ code: "NOT_REACHABLE" });
  expect(notice?.message).toBe(
    "others cannot dial you at 198.51.100.7:9278: let port 9278 through your firewall or router, and keep it with --port 9278; you still reach them",
  );
  expect(standpoint.found({ reachable: "no", port: 9_278 })).toBeUndefined();
  expect(standpoint.found({ reachable: "no", port: 9_279 })).toBeDefined();
});

test("an address that is no place on a network is not believed", () => {
  for (const nonsense of ["", "127.0.0.1", "::1", "0.0.0.0", "224.0.0.1", "fe80::1", "\u001b[2J", "evil.example"]) {
    const standpoint = seenAt(nonsense);
    expect(standpoint.found({ reachable: "no", port: 1 })).toBeUndefined();
    standpoint.found({ reachable: "yes", port: 1 });
    expect(standpoint.address).toBeUndefined();
  }
});
