/** Scope: what was opened together is closed together, last opened first, and every closer runs. */

type Closer = () => unknown;

export class Scope implements AsyncDisposable {
  #closers: Closer[] = [];
  #closing: Promise<void> | undefined;
  readonly #abort = new AbortController();

  /** Aborted as soon as closing begins. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  get isClosed(): boolean {
    return this.#closing !== undefined;
  }

  /** Takes over what is to be closed; once the scope is closed it is closed at once. */
  use<Resource extends AsyncDisposable | Disposable>(resource: Resource): Resource {
    this.defer(() => (Symbol.asyncDispose in resource ? resource[Symbol.asyncDispose]() : resource[Symbol.dispose]()));
    return resource;
  }

  /** Registers a closer and returns the way to take it back without running it. */
  defer(closer: Closer): () => void {
    if (this.#closing) {
      this.#closing = this.#closing.then(() => run([closer]));
      return () => {};
    }
    this.#closers.push(closer);
    return () => {
      const index = this.#closers.lastIndexOf(closer);
      if (index !== -1) this.#closers.splice(index, 1);
    };
  }

  /** @throws the only failure of a closer, or an AggregateError of several, after all of them ran. */
  close(): Promise<void> {
    if (!this.#closing) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#closing = promise; // first of all: what a closer still registers must not be forgotten
      this.#abort.abort(new DOMException("the scope was closed", "AbortError"));
      resolve(run(this.#closers.splice(0).reverse()));
    }
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

async function run(closers: Closer[]): Promise<void> {
  const failures: unknown[] = [];
  for (const closer of closers) {
    try {
      await closer();
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length === 1) throw failures[0];
  if (failures.length > 1) throw new AggregateError(failures, `${failures.length} things failed to close`);
}
