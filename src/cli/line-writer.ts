/** Line writer: what is still to be written to a local socket, which takes only part of what it is given and keeps none. */

/** What it needs of a socket; `write` returns how many bytes were taken, and -1 once it is closed. */
export interface LineSocket {
  write(bytes: Uint8Array): number;
  end(): unknown;
}

export class LineWriter {
  readonly #socket: LineSocket;
  #batch = ""; // lines that are not encoded yet
  #unsent: Uint8Array | undefined; // encoded, and not taken by the socket yet
  #isEnding = false;

  constructor(socket: LineSocket) {
    this.#socket = socket;
  }

  /** How much the other side has not taken yet: bytes, those of the last lines counted as characters. */
  get waiting(): number {
    return this.#batch.length + (this.#unsent?.byteLength ?? 0);
  }

  push(value: unknown): void {
    this.#batch += `${JSON.stringify(value)}\n`;
    this.drain();
  }

  /** Closes the socket once everything is written: Bun's own `end` would lose what it has not taken. */
  end(): void {
    this.#isEnding = true;
    this.drain();
  }

  /** To be called when the socket has room again. */
  drain(): void {
    while (this.#unsent || this.#batch !== "") {
      this.#unsent ??= this.#takeBatch();
      const taken = this.#socket.write(this.#unsent);
      if (taken <= 0) return; // full, or closed, and then nobody asks for more
      this.#unsent = taken < this.#unsent.byteLength ? this.#unsent.subarray(taken) : undefined;
    }
    if (this.#isEnding) this.#socket.end();
  }

  #takeBatch(): Uint8Array {
    const bytes = Buffer.from(this.#batch);
    this.#batch = "";
    return bytes;
  }
}
