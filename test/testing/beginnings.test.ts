import { expect, test } from "bun:test";
import { spawn } from "node:child_process";
import http from "node:http";
import net from "node:net";
import { watchBeginnings } from "../../src/testing/beginnings.ts";

/** What goes on after `begin`, and what of that after `end`. */
async function after<Thing>(
  begin: () => Thing | Promise<Thing>,
  end: (thing: Thing) => unknown,
): Promise<[goesOn: string[], leftOver: string[]]> {
  const begun: { name: string; isOver: () => boolean }[] = [];
  const open = (): string[] => [...new Set(begun.filter(({ isOver }) => !isOver()).map(({ name }) => name))];
  const stop = watchBeginnings((name, isOver) => void begun.push({ name, isOver }));
  try {
    const thing = await begin();
    const goesOn = open();
    await end(thing);
    await new Promise((resolve) => setImmediate(resolve));
    return [goesOn, open()];
  } finally {
    stop();
  }
}

const WORKER = URL.createObjectURL(new Blob(["setInterval(() => {}, 1_000)"], { type: "application/javascript" }));
const listener = (): void => {};
const listening = { hostname: "127.0.0.1", port: 0, socket: { data() {} } };

const connect = (to: number) => Bun.connect({ hostname: "127.0.0.1", port: to, socket: { data() {} } });
const close = (server: net.Server | http.Server): Promise<void> =>
  new Promise((resolve) => server.close(() => resolve()));
const listen = <Server extends net.Server | http.Server>(server: Server): Promise<Server> =>
  new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server)));
const sleeper = (): ReturnType<typeof spawn> => spawn("sleep", ["60"]);
const kill = (one: ReturnType<typeof spawn>) => new Promise((resolve) => one.on("exit", resolve).kill());

const CASES: readonly [name: string, begin: () => unknown, end: (thing: never) => unknown][] = [
  ["setTimeout", () => setTimeout(listener, 60_000), (timer: Timer) => clearTimeout(timer)],
  ["setInterval", () => setInterval(listener, 60_000), (timer: Timer) => clearInterval(timer)],
  [
    "serve",
    () => Bun.serve({ port: 0, fetch: () => new Response() }),
    (server: Bun.Server<unknown>) => server.stop(true),
  ],
  ["listen", () => Bun.listen(listening), (server: Bun.TCPSocketListener) => server.stop(true)],
  ["udpSocket", () => Bun.udpSocket({}), (socket: { close(): void }) => socket.close()],
  ["Worker", () => new Worker(WORKER), (worker: Worker) => worker.terminate()],
  ["WebSocket", () => new WebSocket("ws://127.0.0.1:9"), (socket: WebSocket) => socket.close()],
  ["spawn", () => Bun.spawn(["sleep", "60"]), (child: Bun.Subprocess) => (child.kill(), child.exited)],
  ["process.on", () => process.on("SIGUSR2", listener), () => process.off("SIGUSR2", listener)],
  ["process.once", () => process.once("SIGUSR2", listener), () => process.off("SIGUSR2", listener)],
];

test.each(CASES)("%s goes on until it is ended", async (name, begin, end) => {
  expect(await after(begin, end as (thing: unknown) => unknown)).toEqual([[name], []]);
});

test("a connection goes on until it is closed, and one that fails does not", async () => {
  using server = Bun.listen(listening);
  const { port } = server;
  expect(
    await after(
      () => connect(port),
      (socket) => socket.end(),
    ),
  ).toEqual([["connect"], []]);
  expect(await after(() => connect(1).catch(listener), listener)).toEqual([[], []]);
});

test("a request goes on until it is answered", async () => {
  const answer = Promise.withResolvers<void>();
  const server = Bun.serve({
    port: 0,
    fetch: async () => {
      await answer.promise;
      return new Response();
    },
  });
  const asked: Promise<Response>[] = [];
  const begin = (): void => void asked.push(fetch(server.url));
  const end = async (): Promise<void> => {
    answer.resolve();
    await asked[0];
  };
  expect(await after(begin, end)).toEqual([["fetch"], []]);
  await server.stop(true);
});

test("what node's modules begin is seen as far as it comes to what is watched", async () => {
  expect((await after(() => listen(net.createServer()), close))[1]).toEqual([]);
  const [served, left] = await after(() => listen(http.createServer()), close);
  expect([served.includes("http.Server.listen"), left]).toEqual([true, []]);
  expect(await after(sleeper, kill)).toEqual([["spawn"], []]);
});

const ways = (): unknown[] => [
  globalThis.setTimeout,
  globalThis.Worker,
  Bun.serve,
  Reflect.get(process, "on"),
  Reflect.get(net.Server.prototype, "listen"),
];

test("what was replaced is given back, and works meanwhile as it did", () => {
  const before = ways();
  const stop = watchBeginnings(listener);
  expect([typeof fetch.preconnect, setTimeout.name]).toEqual(["function", "setTimeout"]);
  expect(globalThis.setTimeout === before[0]).toBe(false);
  stop();
  expect(ways()).toEqual(before);
});
