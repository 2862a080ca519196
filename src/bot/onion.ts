/** Onion: handlers around handlers. Each decides with `next()` whether those inside it see the message too. */

export type Next = () => Promise<void>;
export type Layer<Message> = (message: Message, next: Next) => unknown;

/** Runs the layers, first outermost. Resolves when the outermost is done. */
export async function runOnion<Message>(layers: readonly Layer<Message>[], message: Message): Promise<void> {
  await enter(0);

  async function enter(index: number): Promise<void> {
    let wasCalled = false;
    await layers[index]?.(message, () => {
      if (wasCalled) throw new Error("next() was called twice: a message goes inwards once");
      wasCalled = true;
      return enter(index + 1);
    });
  }
}
