/** HTTP load: one GET again and again over connections that stay open. `fetch` costs more than the server that it asks. */
import type { Socket } from "bun";

const END_OF_HEADERS = Buffer.from("\r\n\r\n");

/** Asks `count` times, over `connections` at once; resolves to how many ms that took. */
export async function loadHttp(port: number, path: string, count: number, connections: number): Promise<number> {
  const request = Buffer.from(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`);
  const done = Promise.withResolvers<void>();
  let left = count;
  let toAsk = count;
  const ask = (socket: Socket<Answers>): void => {
    if (toAsk-- > 0) socket.write(request);
  };
  const sockets = await Promise.all(
    Array.from({ length: connections }, () =>
      Bun.connect<Answers>({
        hostname: "127.0.0.1",
        port,
        data: new Answers(),
        socket: {
          data(socket, chunk) {
            if (!socket.data.isWhole(chunk)) return;
            if (--left === 0) done.resolve();
            ask(socket);
          },
          close: () => done.reject(new Error("the server has closed a connection")),
          error: (_, error) => done.reject(error),
        },
      }),
    ),
  );
  const began = performance.now();
  for (const socket of sockets) ask(socket);
  await done.promise;
  const ms = performance.now() - began;
  for (const socket of sockets) socket.terminate();
  return ms;
}

/** The answers of one connection, one after another. All of them are as long as the first. */
class Answers {
  #bytes = 0; // of one answer; 0 until the first one's headers were read
  #got = 0;

  isWhole(chunk: Uint8Array): boolean {
    if (this.#bytes === 0) this.#bytes = lengthOf(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength));
    this.#got += chunk.byteLength;
    if (this.#got < this.#bytes) return false;
    this.#got = 0;
    return true;
  }
}

/** Of the first answer, of which all headers must be in the first chunk. */
function lengthOf(chunk: Buffer): number {
  const end = chunk.indexOf(END_OF_HEADERS);
  const head = chunk.toString("latin1", 0, end);
  const body = /^content-length: (\d+)$/im.exec(head)?.[1];
  if (end < 0 || body === undefined || !head.startsWith("HTTP/1.1 200 "))
    throw new Error(`an answer without an end: ${head}`);
  return end + END_OF_HEADERS.byteLength + Number(body);
}
