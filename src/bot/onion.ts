/** Onion: handlers around handlers. Each decides with `next()` whether those inside it see the message too. */
import { isPromiseLike } from "../base/in-turn.ts";

export type Next = () => Promise<void>;
export type Layer<Message> = (message: Message, next: Next) => unknown;

/** A layer that may hand on another message than it was given; without an argument `next` hands on the same one. */
export type ChangingLayer<Message, Result> = (
  message: Message,
  next: (message?: Message) => Promise<Result | undefined>,
) => unknown;

/** Runs the layers, first outermost. The end of a promise, if there is one, is the end of the outermost. */
export function runOnion<Message>(layers: readonly Layer<Message>[], message: Message): Promise<void> | void {
  return runChangingOnion<Message, void>(layers, message, () => {});
}

/**
 * Runs the layers around `core`, first outermost. Gives, when the outermost is done, what the core gave, whether or not the
 * layers returned it; undefined when one of them did not call `next`. A promise only if a layer or the core gave one.
 */
export function runChangingOnion<Message, Result>(
  layers: readonly ChangingLayer<Message, Result>[],
  message: Message,
  core: (message: Message) => Promise<Result | undefined> | Result | undefined,
): Promise<Result | undefined> | Result | undefined {
  return enter(0, message);

  function enter(index: number, given: Message): Promise<Result | undefined> | Result | undefined {
    const layer = layers[index];
    if (!layer) return core(given);
    let inner: Promise<Result | undefined> | undefined;
    let result: Promise<Result | undefined> | Result | undefined; // of `inner`, unless that threw
    let hasThrown = false;
    const outer = layer(given, (changed = given) => {
      if (inner) throw new Error("next() was called twice: a message goes on once");
      try {
        result = enter(index + 1, changed);
        inner = Promise.resolve(result);
      } catch (error) {
        hasThrown = true;
        inner = Promise.reject(error);
      }
      inner.catch(() => {}); // told below, unless the layer itself throws first: then that is the error to tell
      return inner;
    });
    // Nearly every layer that passes a message on returns what `next` gave; then there is nothing more to wait for.
    if (isPromiseLike(outer) && outer !== inner) return Promise.resolve(outer).then(() => inner);
    return hasThrown ? inner : result;
  }
}
