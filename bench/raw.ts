/**
 * The bare minimum: mutual TLS 1.3 on Bun's sockets, NDJSON, and SQLite with `synchronous=FULL`, without anything that makes
 * a chat of it. What it reaches is the limit that Warren is compared with.
 */
import { Database } from "bun:sqlite";
import type { Socket, TCPSocketListener } from "bun";
import type { Identity } from "../src/identity/identity.ts";

type Credentials = Pick<Identity, "keyPem" | "certificatePem">;

export interface RawSocket {
  /** Queues text; everything of one turn of the event loop becomes one write. */
  send(text: string): void;
  /** Bytes that wait for the kernel. */
  readonly queued: number;
  end(): void;
}

export interface RawHandler {
  open?(socket: RawSocket): void;
  /** The objects of the lines that a chunk completes. */
  values(socket: RawSocket, values: unknown[]): void;
  drained?(socket: RawSocket): void;
}

interface Slot {
  held: Uint8Array | undefined;
  batch: string;
  willWrite: boolean;
  unsent: Uint8Array | undefined;
  raw: RawSocket;
}

export function listenRaw(credentials: Credentials, handler: RawHandler): TCPSocketListener<Slot> {
  return Bun.listen<Slot>({
    hostname: "127.0.0.1",
    port: 0,
    tls: { key: credentials.keyPem, cert: credentials.certificatePem, requestCert: true, rejectUnauthorized: false },
    socket: {
      ...handlers(handler),
      open(socket) {
        socket.data = slotOf(socket);
      },
    },
  });
}

export async function connectRaw(credentials: Credentials, port: number, handler: RawHandler): Promise<RawSocket> {
  const shaken = Promise.withResolvers<RawSocket>();
  await Bun.connect<Slot>({
    hostname: "127.0.0.1",
    port,
    tls: { key: credentials.keyPem, cert: credentials.certificatePem, rejectUnauthorized: false },
    socket: {
      ...handlers({ ...handler, open: (socket) => shaken.resolve(socket) }),
      open(socket) {
        socket.data = slotOf(socket);
      },
    },
  });
  return await shaken.promise;
}

/** A database as Warren opens its own. */
export function openRawDatabase(path: string): Database {
  const db = new Database(path, { create: true, strict: true });
  db.run("PRAGMA locking_mode=EXCLUSIVE");
  db.run("PRAGMA journal_mode=WAL");
  db.run("PRAGMA synchronous=FULL");
  return db;
}

function handlers(handler: RawHandler) {
  return {
    handshake(socket: Socket<Slot>): void {
      if (socket.getPeerX509Certificate().publicKey.asymmetricKeyType !== "ed25519") return socket.terminate();
      handler.open?.(socket.data.raw);
    },
    data(socket: Socket<Slot>, chunk: Uint8Array): void {
      const { data } = socket;
      const whole = data.held ? Buffer.concat([data.held, chunk]) : chunk;
      const { values, read } = Bun.JSONL.parseChunk(whole);
      data.held = read < whole.byteLength ? new Uint8Array(whole.subarray(read)) : undefined;
      if (values.length > 0) handler.values(data.raw, values);
    },
    drain(socket: Socket<Slot>): void {
      write(socket);
      if (!socket.data.unsent) handler.drained?.(socket.data.raw);
    },
    close(): void {},
    error(_: Socket<Slot>, error: Error): void {
      if (!("errno" in error)) throw error;
    },
  };
}

function slotOf(socket: Socket<Slot>): Slot {
  const slot: Slot = {
    held: undefined,
    batch: "",
    willWrite: false,
    unsent: undefined,
    raw: {
      send(text) {
        slot.batch += text;
        if (slot.willWrite) return;
        slot.willWrite = true;
        setImmediate(() => write(socket));
      },
      get queued() {
        return slot.batch.length + (slot.unsent?.byteLength ?? 0);
      },
      end: () => void socket.end(),
    },
  };
  return slot;
}

function write(socket: Socket<Slot>): void {
  const slot = socket.data;
  slot.willWrite = false;
  while (slot.unsent || slot.batch !== "") {
    if (!slot.unsent) {
      slot.unsent = Buffer.from(slot.batch);
      slot.batch = "";
    }
    const sent = socket.write(slot.unsent);
    if (sent <= 0) return;
    slot.unsent = sent < slot.unsent.byteLength ? slot.unsent.subarray(sent) : undefined;
  }
}
