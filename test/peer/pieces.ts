/** Pieces: a text that comes bit by bit, whenever the test says so. */
export interface Pieces extends AsyncIterable<string> {
  add(piece: string): void;
  end(): void;
  fail(error: Error): void;
  /** Whoever read it has lost interest. */
  readonly isAbandoned: boolean;
}

export function createPieces(): Pieces {
  let isAbandoned = false;
  let source: ReadableStreamDefaultController<string> | undefined;
  const stream = new ReadableStream<string>({
    start: (controller) => void (source = controller),
    cancel: () => void (isAbandoned = true),
  });
  return {
    add: (piece) => source?.enqueue(piece),
    end: () => source?.close(),
    fail: (error) => source?.error(error),
    get isAbandoned() {
      return isAbandoned;
    },
    [Symbol.asyncIterator]: () => stream[Symbol.asyncIterator](),
  };
}
