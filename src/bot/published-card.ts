/** The card of a peer that several plugins share: what each says, put together. */
import type { Card } from "../base/card.ts";

interface Publisher {
  setCard(card: Card): void;
}

/** One of those that share a card. */
interface Owner {
  /** Whether it has a command of this name, told or not. */
  has(command: string): boolean;
}

const published = new WeakMap<Publisher, Map<Owner, Card>>();

/** Replaces what `owner` says on the card of `peer`; undefined takes it away. */
export function publishCard(peer: Publisher, owner: Owner, card: Card | undefined): void {
  const cards = published.get(peer) ?? new Map<Owner, Card>();
  published.set(peer, cards);
  if (card) cards.set(owner, card);
  else cards.delete(owner);
  const all = [...cards.values()];
  peer.setCard({
    about: all.map((one) => one.about).join("; "),
    commands: all.flatMap((one) => one.commands),
  });
}

/** Whether it is for `owner` to answer the call of a command: who has it does, and where nobody has it, the first of them all. */
export function isToAnswer(peer: Publisher, owner: Owner, command: string): boolean {
  if (owner.has(command)) return true;
  const all = [...(published.get(peer)?.keys() ?? [])];
  return all[0] === owner && !all.some((one) => one.has(command));
}
