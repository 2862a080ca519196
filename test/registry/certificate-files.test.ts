import { expect, test } from "bun:test";
import { silentLog } from "../../src/base/log.ts";
import { CertificateFiles } from "../../src/registry/certificate-files.ts";
import { authority, withOpenssl } from "./test-authority.ts";
import { openRegistry, socketWorld, someTurns, temporaryFolder } from "./setting.ts";

async function shown(port: number): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const socket = await Bun.connect({
    hostname: "127.0.0.1",
    port,
    tls: { rejectUnauthorized: false },
    socket: {
      data() {},
      close: () => resolve("nobody"), // the listener before has just gone
      handshake: (connection) => resolve(String(connection.getPeerCertificate()?.subject?.CN)),
      connectError: (_, error) => reject(error),
    },
  });
  return await promise.finally(() => socket.end());
}

withOpenssl("with a certificate it speaks https and wss, and is known by that address", async () => {
  await using own = await authority();
  await own.issue("first");
  await using registry = await openRegistry({ tls: own });
  expect(registry.url).toBe(`https://127.0.0.1:${registry.port}`);
  expect((await fetch(`${registry.url}/healthz`, { tls: { ca: own.ca } })).status).toBe(200);
  const peer = Bun.spawn(
    [
      process.execPath,
      "src/cli/peer.ts",
      "--home",
      own.path,
      "-r",
      registry.url,
      "--name",
      "ann",
      "--no-bots",
      "--json",
    ],
    { env: { ...process.env, NODE_EXTRA_CA_CERTS: `${own.path}/ca.pem` }, stdin: "pipe", stdout: "ignore" },
  );
  try {
    const isThere = async (): Promise<boolean> => {
      const answer = await fetch(`${registry.url}/v1/peers?online=true`, { tls: { ca: own.ca } });
      return (await answer.text()).includes('"ann"');
    };
    while (!(await isThere()));
  } finally {
    peer.kill();
    await peer.exited;
  }
});

withOpenssl("a certificate that was renewed is shown within a minute, and sessions go on", async () => {
  await using own = await authority();
  await own.issue("first");
  const world = socketWorld();
  await using registry = await openRegistry({ tls: own, world, limits: { loginMs: 3_600_000 } });
  const url = `${registry.url.replace("https", "wss")}/v1/session?nonce=${"n".repeat(32)}`;
  const socket = new WebSocket(url, { tls: { ca: own.ca } });
  const next = (): Promise<string> =>
    new Promise((resolve) => socket.addEventListener("message", ({ data }) => resolve(String(data)), { once: true }));
  expect(await next()).toContain("challenge");
  expect(await shown(registry.port)).toBe("first");
  await own.issue("second");
  await renewed(world, async () => (await shown(registry.port)) === "second");
  const answer = next();
  socket.send('{"t":"ping"}'); // before a login: it is there to refuse that
  expect(await answer).toContain("PROTOCOL_VIOLATION");
});

withOpenssl("files of which only one has been replaced are left alone, with one warning", async () => {
  await using own = await authority();
  await own.issue("first");
  const files = await CertificateFiles.open(own);
  const key = await Bun.file(own.keyFile).text();
  const { clock } = socketWorld();
  const warnings: string[] = [];
  const changes: string[] = [];
  const log = { ...silentLog, warn: (text: string) => void warnings.push(text) };
  using _ = files.watch(clock, log, ({ cert }) => void changes.push(cert));
  await own.issue("second");
  const newKey = await Bun.file(own.keyFile).text();
  await Bun.write(own.keyFile, key);
  await renewed({ clock }, async () => warnings.length > 0);
  await clock.advance(60_000);
  await someTurns(100);
  expect([warnings.length, changes.length]).toEqual([1, 0]);
  await Bun.write(own.keyFile, newKey);
  await renewed({ clock }, async () => changes.length > 0);
  expect(changes).toEqual([await Bun.file(own.certFile).text()]);
});

test("what is no certificate is refused, with the file's name", async () => {
  await using folder = await temporaryFolder();
  const certFile = `${folder.path}/cert.pem`;
  const open = CertificateFiles.open({ certFile, keyFile: certFile });
  expect(await open.catch((error: unknown) => error)).toMatchObject({
    code: "CERTIFICATE_INVALID",
    message: expect.stringContaining(certFile),
  });
  await Bun.write(certFile, "none");
  const again = CertificateFiles.open({ certFile, keyFile: certFile });
  expect(await again.catch((error: unknown) => error)).toMatchObject({ code: "CERTIFICATE_INVALID" });
});

async function renewed({ clock }: { clock: { advance(ms: number): Promise<void> } }, isDone: () => Promise<boolean>) {
  while (!(await isDone())) {
    await clock.advance(60_000);
    await someTurns();
  }
}
