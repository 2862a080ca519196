import { afterEach, expect, spyOn, test } from "bun:test";
import { X509Certificate } from "node:crypto";
import { connect as connectTcp, createServer, type AddressInfo, type Socket } from "node:net";
import { networkInterfaces } from "node:os";
import { connect as connectTls, createServer as createTlsServer, type TLSSocket } from "node:tls";
import "reflect-metadata";
import { X509CertificateGenerator } from "@peculiar/x509";
import { isWarrenError } from "../../src/base/errors.ts";
import type { Address } from "../../src/base/ids.ts";
import { Scope } from "../../src/base/scope.ts";
import { systemClock, type Clock } from "../../src/base/world.ts";
import { createIdentity, type Identity } from "../../src/identity/identity.ts";
import type { DialOptions, Link, Transport } from "../../src/peer/link.ts";
import { createTlsTransport } from "../../src/peer/tls.ts";
import { ManualClock } from "../../src/testing/manual-clock.ts";

const LOOPBACK = "127.0.0.1";
const ALPN = ["warren/1"];

/** What Bun reads of a socket before it looks whether it was paused. */
const MOST_READ_BYTES = 2 * 524_288;

const noop = (): void => {};

let scope = new Scope();
afterEach(async () => {
  await scope.close();
  scope = new Scope();
});

const [ann, bob] = await Promise.all([createIdentity(), createIdentity()]);

/** A link that is open, with everything that has come through it. */
class End {
  readonly link: Link;
  readonly closed: Promise<void>;
  bytes = Buffer.alloc(0);
  onDrain = noop;
  #look = noop;

  constructor(link: Link) {
    this.link = link;
    this.closed = new Promise((resolve) => {
      link.open({
        data: (chunk) => {
          this.bytes = Buffer.concat([this.bytes, chunk]);
          this.#look();
        },
        drain: () => this.onDrain(),
        closed: resolve,
      });
    });
    scope.defer(() => link.terminate());
  }

  /** Resolves when so many bytes have come, with all of them. */
  received(length: number): Promise<Buffer> {
    return new Promise((resolve) => {
      this.#look = () => this.bytes.byteLength >= length && resolve(this.bytes);
      this.#look();
    });
  }

  /** Writes as much at a time as the link takes. */
  pump(bytes: Uint8Array): void {
    let sent = 0;
    this.onDrain = () => {
      while (sent < bytes.byteLength) {
        const taken = this.link.write(bytes.subarray(sent));
        if (taken <= 0) return;
        sent += taken;
      }
    };
    this.onDrain();
  }
}

/** A peer that listens; `accepted` are the links that got through. */
async function listen(identity: Identity, options: { host?: string; clock?: Clock } = {}) {
  const { host = LOOPBACK, clock = systemClock } = options;
  const accepted: End[] = [];
  let look = noop;
  const transport = createTlsTransport({ identity, clock });
  const listener = await transport.listen({ host, port: 0 }, (link) => {
    accepted.push(new End(link));
    look();
  });
  scope.use(listener);
  return {
    transport,
    accepted,
    port: listener.port,
    address: { host: LOOPBACK, port: listener.port },
    /** The first link that gets, or has got, through. */
    first: () =>
      new Promise<End>((resolve) => {
        look = () => accepted[0] && resolve(accepted[0]);
        look();
      }),
  };
}

function transportOf(identity: Identity): Transport {
  return createTlsTransport({ identity, clock: systemClock });
}

async function dial(identity: Identity, address: Address, options: Partial<DialOptions> = {}): Promise<End> {
  const all = { expect: undefined, signal: new AbortController().signal, ...options };
  return new End(await transportOf(identity).dial(address, all));
}

function codeOf(attempt: Promise<unknown>): Promise<string> {
  return attempt.then(
    () => "it worked",
    (error: unknown) => (isWarrenError(error) ? error.code : String(error)),
  );
}

/** Another program's TLS client, that says something at once; resolves when the connection is closed. */
async function strangerIsClosed(port: number, options: object): Promise<void> {
  const socket = connectTls({ host: LOOPBACK, port, rejectUnauthorized: false, ALPNProtocols: ALPN, ...options }, () =>
    socket.write('{"t":"hello"}\n'),
  );
  scope.defer(() => socket.destroy());
  await closed(socket);
}

function closed(socket: Socket | TLSSocket): Promise<void> {
  socket.on("error", () => {}); // being reset is one way of being closed
  return new Promise((resolve) => socket.once("close", () => resolve()));
}

/** Key and certificate, as PEM. */
async function certify(keys: CryptoKeyPair, algorithm: string): Promise<{ key: string; cert: string }> {
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: "CN=warren",
    signingAlgorithm: { name: algorithm, hash: "SHA-256" },
    keys,
  });
  const pkcs8 = Buffer.from(await crypto.subtle.exportKey("pkcs8", keys.privateKey)).toString("base64");
  const key = `-----BEGIN PRIVATE KEY-----\n${pkcs8}\n-----END PRIVATE KEY-----\n`;
  return { key, cert: certificate.toString("pem") };
}

const ECDSA = { name: "ECDSA", namedCurve: "P-256" };
const P256 = await certify(await crypto.subtle.generateKey(ECDSA, true, ["sign", "verify"]), ECDSA.name);
const PKCS1 = { name: "RSASSA-PKCS1-v1_5", publicExponent: new Uint8Array([1, 0, 1]), hash: "SHA-256" };
const RSA = await certify(
  await crypto.subtle.generateKey({ ...PKCS1, modulusLength: 2_048 }, true, ["sign", "verify"]),
  PKCS1.name,
);

test("both ends learn whose key is at the other one, and what is said arrives", async () => {
  const server = await listen(bob);
  const near = await dial(ann, server.address, { expect: bob.id });
  near.pump(Buffer.from("hello"));
  const far = await server.first();
  far.pump(Buffer.from("hello yourself"));
  expect((await far.received(5)).toString()).toBe("hello");
  expect((await near.received(14)).toString()).toBe("hello yourself");
  expect(near.link).toMatchObject({ peer: bob.id, dialled: true, remote: server.address });
  expect(far.link).toMatchObject({ peer: ann.id, dialled: false, remote: { host: LOOPBACK } });
});

test("whoever is there is found out where nobody in particular is expected", async () => {
  const server = await listen(bob);
  expect((await dial(ann, server.address)).link.peer).toBe(bob.id);
});

test("the end of a link reaches the other side after everything that was written", async () => {
  const server = await listen(bob);
  const near = await dial(ann, server.address);
  near.pump(Buffer.alloc(100_000, "x"));
  near.link.end();
  const far = await server.first();
  await far.closed;
  expect(far.bytes.byteLength).toBe(100_000);
});

test("a link that was terminated is closed at the other side, takes nothing more and says nothing more", async () => {
  const server = await listen(bob);
  const near = await dial(ann, server.address);
  const far = await server.first();
  far.link.terminate();
  expect(far.link.write(Buffer.from("x"))).toBe(-1);
  await near.closed;
  expect(near.link.write(Buffer.from("x"))).toBe(-1);
});

test("8 MB in both directions at once arrive byte by byte as they were sent", async () => {
  const server = await listen(bob);
  const near = await dial(ann, server.address);
  const bytes = crypto.getRandomValues(new Uint8Array(65_536));
  const there = Buffer.concat(Array.from({ length: 128 }, (_, i) => bytes.subarray(i))).subarray(0, 8_000_000);
  const back = Buffer.from(there).reverse();
  near.pump(there);
  const far = await server.first();
  far.pump(back);
  expect((await far.received(there.byteLength)).equals(there)).toBe(true);
  expect((await near.received(back.byteLength)).equals(back)).toBe(true);
});

test("a link that is paused is not read, its sender feels it, and goes on when it is resumed", async () => {
  const server = await listen(bob);
  const near = await dial(ann, server.address);
  const far = await server.first();
  far.link.pause();
  const bytes = Buffer.alloc(64 * 1_048_576, "x"); // more than the buffers of both sides hold
  let took = 0;
  for (;;) {
    const taken = near.link.write(bytes.subarray(took));
    if (taken <= 0) break;
    took += taken;
  }
  for (let n = 0; n < 20; n++) await turn();
  expect(far.bytes.byteLength).toBeLessThanOrEqual(MOST_READ_BYTES);
  expect(took).toBeLessThan(bytes.byteLength);
  far.link.resume();
  expect((await far.received(took)).byteLength).toBe(took);
  near.link.end();
  await far.closed;
  far.link.pause(); // harmless by now
  far.link.resume();
});

test("a peer with another key than the expected one is refused by name", async () => {
  const server = await listen(bob);
  const attempt = dial(ann, server.address, { expect: (await createIdentity()).id });
  expect(await codeOf(attempt)).toBe("PEER_MISMATCH");
});

test("a peer does not talk to itself", async () => {
  const server = await listen(ann);
  expect(await codeOf(dial(ann, server.address))).toBe("PEER_IS_SELF");
  expect(server.accepted).toEqual([]);
});

test.each([
  ["no certificate", {}],
  ["a P-256 key", P256],
  ["an RSA key", RSA],
  ["this peer's own key", { key: bob.keyPem, cert: bob.certificatePem }],
  ["TLS 1.2", { key: ann.keyPem, cert: ann.certificatePem, maxVersion: "TLSv1.2" }],
  ["another protocol", { key: ann.keyPem, cert: ann.certificatePem, ALPNProtocols: ["http/1.1"] }],
])("a client with %s is closed, and nothing that it says is delivered", async (_, options) => {
  const server = await listen(bob);
  await strangerIsClosed(server.port, options);
  expect(server.accepted).toEqual([]);
  const friend = await dial(ann, server.address); // the others do not notice
  expect(friend.link.peer).toBe(bob.id);
});

test("a client with its own certificate gets through: what refuses the others is what they lack", async () => {
  const server = await listen(bob);
  const own = { key: ann.keyPem, cert: ann.certificatePem };
  const socket = connectTls({
    host: LOOPBACK,
    port: server.port,
    rejectUnauthorized: false,
    ALPNProtocols: ALPN,
    ...own,
  });
  scope.defer(() => socket.destroy());
  socket.write("hi");
  expect((await (await server.first()).received(2)).toString()).toBe("hi");
});

test("somebody else's certificate is of no use without its key", async () => {
  const server = await listen(bob);
  const options = { key: (await createIdentity()).keyPem, cert: ann.certificatePem };
  await Promise.resolve()
    .then(() => strangerIsClosed(server.port, options))
    .catch(() => {}); // the library may refuse to try
  expect(server.accepted).toEqual([]);
});

test.each([
  ["a P-256 key", P256],
  ["an RSA key", RSA],
])("a dialler refuses a server with %s, whatever it says at once", async (_, certificate) => {
  const server = createTlsServer({ ...certificate, ALPNProtocols: ALPN }, (socket) => {
    socket.on("error", () => {});
    socket.write('{"t":"hello"}\n');
  });
  server.on("tlsClientError", () => {});
  expect(await codeOf(dial(ann, await listening(server)))).toBe("PEER_REFUSED");
});

test("garbage instead of a handshake is refused, on both sides", async () => {
  const server = await listen(bob);
  const socket = connectTcp(server.port, LOOPBACK, () => socket.write("GET / HTTP/1.1\r\nhost: warren\r\n\r\n"));
  await closed(socket);
  expect(server.accepted).toEqual([]);
  const web = createServer((client) => {
    client.on("error", () => {});
    client.end("HTTP/1.1 400 Bad Request\r\n\r\n");
  });
  expect(await codeOf(dial(ann, await listening(web)))).toBe("PEER_REFUSED");
});

test("who connects and says nothing is closed after 10 s", async () => {
  const clock = new ManualClock();
  const server = await listen(bob, { clock });
  const socket = connectTcp(server.port, LOOPBACK);
  const end = closed(socket);
  while (clock.untilNext === undefined) await turn(); // until the connection has been taken
  await clock.advance(9_999);
  await turn();
  expect(socket.destroyed).toBe(false);
  await clock.advance(1);
  await end;
});

test("who has gone at the very moment of the handshake, or before it, is closed and disturbs nobody", async () => {
  const bunListen = spyOn(Bun, "listen");
  const accepted: Link[] = [];
  const transport = createTlsTransport({ identity: ann, clock: systemClock });
  scope.use(await transport.listen({ host: LOOPBACK, port: 0 }, (link) => accepted.push(link)));
  const [options] = bunListen.mock.lastCall ?? [];
  bunListen.mockRestore();
  let ends = 0;
  const gone = {
    data: { link: undefined, settle: noop },
    remoteAddress: undefined, // as Bun says when the kernel has forgotten the other side
    getTLSVersion: () => "TLSv1.3",
    getPeerX509Certificate: () => new X509Certificate(bob.certificatePem),
    terminate: () => ends++,
  };
  void options?.socket.open?.(gone as never);
  options?.socket.handshake?.(gone as never, true, null);
  expect([ends, accepted]).toEqual([2, []]);
});

test("a handshake that is done keeps no time limit", async () => {
  const clock = new ManualClock();
  const server = await listen(bob, { clock });
  await dial(ann, server.address);
  await server.first();
  expect(clock.untilNext).toBeUndefined();
});

test("a crowd that says nothing is bounded, and makes room when its time is over", async () => {
  const clock = new ManualClock();
  const server = await listen(bob, { clock });
  const ends: Promise<void>[] = [];
  // Not all in one instant: the kernel's queue of connections that were not taken yet is short.
  for (let group = 0; group < 4; group++) {
    const sockets = Array.from({ length: 130 }, () => connectTcp(server.port, LOOPBACK));
    scope.defer(() => sockets.forEach((socket) => socket.destroy()));
    ends.push(...sockets.map(closed));
    await Promise.all(sockets.map(opened));
  }
  await Promise.any(ends); // those above 512
  expect(await codeOf(dial(ann, server.address))).toStartWith("PEER_");
  await clock.advance(10_000);
  await Promise.all(ends);
  expect((await dial(ann, server.address)).link.peer).toBe(bob.id);
});

const OUTSIDE = Object.values(networkInterfaces())
  .flatMap((list) => list ?? [])
  .find(({ internal, family }) => !internal && family === "IPv4")?.address;

test.skipIf(!OUTSIDE)(
  "an address that is not this machine may connect ten times at once and five times a second",
  async () => {
    const clock = new ManualClock();
    const { port } = await listen(bob, { host: "0.0.0.0", clock });
    const address = { host: OUTSIDE ?? "", port };
    for (let count = 0; count < 10; count++) await dial(ann, address);
    expect(await codeOf(dial(ann, address))).toStartWith("PEER_");
    await dial(ann, { host: LOOPBACK, port }); // this machine is not bounded so
    await clock.advance(200);
    expect((await dial(ann, address)).link.peer).toBe(bob.id);
    expect(await codeOf(dial(ann, address))).toStartWith("PEER_");
  },
);

test("a port that is in use, and an address of another machine, are said to be so", async () => {
  const server = await listen(bob);
  const again = transportOf(ann).listen({ host: LOOPBACK, port: server.port }, () => {});
  expect(await codeOf(again)).toBe("PORT_IN_USE");
  const elsewhere = transportOf(ann).listen({ host: "203.0.113.1", port: 0 }, () => {});
  expect(await codeOf(elsewhere)).toBe("HOST_UNAVAILABLE");
});

test("a listener on all interfaces is reached over IPv4 and IPv6, and sees plain addresses", async () => {
  const server = await listen(bob, { host: "::" });
  for (const host of ["127.0.0.1", "::1"]) {
    await dial(ann, { host, port: server.port });
    const far = await server.first();
    expect(far.link.remote.host).toBe(host);
    server.accepted.length = 0;
  }
});

test("a listener that ended takes nobody more, and leaves the links that it has", async () => {
  const transport = transportOf(bob);
  const accepted = Promise.withResolvers<End>();
  const listener = await transport.listen({ host: LOOPBACK, port: 0 }, (link) => accepted.resolve(new End(link)));
  const address = { host: LOOPBACK, port: listener.port };
  const near = await dial(ann, address);
  const far = await accepted.promise;
  await listener[Symbol.asyncDispose]();
  expect(await codeOf(dial(ann, address))).toBe("PEER_UNREACHABLE");
  near.pump(Buffer.from("still here"));
  expect((await far.received(10)).toString()).toBe("still here");
});

test("an address where nobody listens cannot be reached", async () => {
  const free = createServer();
  const address = await listening(free);
  await new Promise((resolve) => free.close(resolve));
  expect(await codeOf(dial(ann, address))).toBe("PEER_UNREACHABLE");
  expect(await codeOf(dial(ann, { host: "nobody.invalid", port: 1 }))).toBe("PEER_UNREACHABLE");
});

test("a dial that is aborted ends at once, also in the middle of the handshake", async () => {
  const abort = new AbortController();
  const hung = Promise.withResolvers<Socket>();
  const silent = createServer((socket) => hung.resolve(socket));
  const attempt = dial(ann, await listening(silent), { signal: abort.signal });
  const socket = await hung.promise;
  const end = closed(socket.resume());
  abort.abort(new Error("changed our mind"));
  expect(await codeOf(attempt)).toBe("Error: changed our mind");
  await end;
  expect(await codeOf(dial(ann, { host: LOOPBACK, port: 1 }, { signal: abort.signal }))).toContain("changed our mind");
});

async function listening(server: ReturnType<typeof createServer>): Promise<Address> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket) => sockets.add(socket));
  scope.defer(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  await new Promise<void>((resolve) => server.listen(0, LOOPBACK, resolve));
  return { host: LOOPBACK, port: (server.address() as AddressInfo).port };
}

function opened(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.once("connect", () => resolve()));
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
