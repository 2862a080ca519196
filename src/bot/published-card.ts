/** The card of a peer that several plugins share: what each says, put together. */
import type { Card } from "../base/card.ts";

interface Publisher {
  setCard(card: Card): void;
}

const published = new WeakMap<Publisher, Map<object, Card>>();

/** Replaces what `owner` says on the card of `peer`; undefined takes it away. */
export function publishCard(peer: Publisher, owner: object, card: Card | undefined): void {
  const cards = published.get(peer) ?? new Map<object, Card>();
  published.set(peer, cards);
  if (card) cards.set(owner, card);
  else cards.delete(owner);
  const all = [...cards.values()];
  peer.setCard({
    about: all.map((one) => one.about).join("; "),
    commands: all.flatMap((one) => one.commands),
  });
}
