/** Onion: handlers around handlers. Each decides with `next()` whether those inside it see the message too. */

export type Next = () => Promise<void>;
export type Layer<Message> = (message: Message, next: Next) => unknown;

/** A layer that may hand on another message than it was given; without an argument `next` hands on the same one. */
export type ChangingLayer<Message, Result> = (
  message: Message,
  next: (message?: Message) => Promise<Result | undefined>,
) => unknown;

/** Runs the layers, first outermost. Resolves when the outermost is done. */
export async function runOnion<Message>(layers: readonly Layer<Message>[], message: Message): Promise<void> {
  const changing = layers.map(
    (layer): ChangingLayer<Message, undefined> =>
      (given, next) =>
        layer(given, next),
  );
  await runChangingOnion(changing, message, () => Promise.resolve(undefined));
}

/**
 * Runs the layers around `core`, first outermost. Resolves, when the outermost is done, with what the core gave, whether or
 * not the layers returned it; with undefined when one of them did not call `next`.
 */
export async function runChangingOnion<Message, Result>(
  layers: readonly ChangingLayer<Message, Result>[],
  message: Message,
  core: (message: Message) => Promise<Result | undefined>,
): Promise<Result | undefined> {
  return await enter(0, message);

  async function enter(index: number, given: Message): Promise<Result | undefined> {
    const layer = layers[index];
    if (!layer) return await core(given);
    let inner: Promise<Result | undefined> | undefined;
    await layer(given, (changed = given) => {
      if (inner) throw new Error("next() was called twice: a message goes on once");
      inner = enter(index + 1, changed);
      inner.catch(() => {}); // awaited below, unless the layer itself throws first: then that is the error to tell
      return inner;
    });
    return await inner;
  }
}
