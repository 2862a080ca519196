/** Mutations: ways to break a promise on purpose. The simulation must find each, or it proves nothing. */

export interface Mutation {
  readonly name: string;
  readonly file: string;
  /** Must stand in the file exactly once. */
  readonly find: string;
  readonly replace: string;
}

export const MUTATIONS: readonly Mutation[] = [
  {
    name: "acknowledge before the commit",
    file: "src/peer/inflow.ts",
    find: "    if (this.#epoch !== null) this.#listener.take(message, this.#epoch);",
    replace: "    if (this.#epoch !== null) this.#listener.take(message, this.#epoch);\n    this.acknowledge();",
  },
  {
    name: "trust a counter that went back in time (drop the epoch)",
    file: "src/peer/outflow.ts",
    find: "    if (have.n > this.#last) return false;",
    replace: "    if (have.n > this.#last) return true;",
  },
  {
    name: "do not compare the id of the last message on resume",
    file: "src/peer/outflow.ts",
    find: "    return have.n === 0 || have.id === id;",
    replace: "    return true;",
  },
  {
    name: "take a message again that came before under another number (skip the dedup)",
    file: "src/peer/session.ts",
    find: "    if (!this.#heard.take(id)) return this.#takeAgain(id, epoch, n);",
    replace: "    this.#heard.take(id);",
  },
  {
    name: "forget the tie-break: both sides choose",
    file: "src/peer/switchboard.ts",
    find: "    return this.#host.self.id < peer;",
    replace: "    return peer !== this.#host.self.id;",
  },
  {
    name: "resend on a timer",
    file: "src/peer/outflow.ts",
    find: '    connection.send({ t: "start", epoch: this.#epochName, low: this.#acked + 1 });',
    replace:
      '    connection.send({ t: "start", epoch: this.#epochName, low: this.#acked + 1 });\n    this.#world.clock.after(150, () => { this.#sent = Math.min(this.#sent, this.#acked); this.pump(); });',
  },
  {
    name: "never notice a half-open connection",
    file: "src/peer/switchboard.ts",
    find: "} else if (silence > DEAD_AFTER_MS) {",
    replace: "} else if (silence > DEAD_AFTER_MS * 1_000) {",
  },
  {
    name: "forget a receipt once it is written",
    file: "src/peer/inflow.ts",
    find: "    this.#unconfirmed.push(...rows.map(({ k }) => k));",
    replace: "    this.#store.receipts.confirm(this.#peer, last.k);",
  },
  {
    name: "confirm receipts before they are committed, and lose them with the commit",
    file: "src/peer/inbox.ts",
    find: "      this.#listener.settled(message, item.epoch, item.seq, reason);",
    replace: "      if (this.#world.random() < 0.9) this.#listener.settled(message, item.epoch, item.seq, reason);",
  },
  {
    name: "do not note that handlers begin",
    file: "src/peer/inbox.ts",
    find: "      if (item.stored !== item.attempts) this.#store.incoming.wait(place, peer, item.epoch, item.seq, item.attempts);",
    replace: "      if (item.stored === undefined) this.#store.incoming.wait(place, peer, item.epoch, item.seq, 0);",
  },
  {
    name: "forget the effects of a handler that a crash interrupts",
    file: "src/peer/inbox.ts",
    find: "this.#store.incoming.recordEffect(place, name, result);",
    replace: "void (place + name.length + result.length);",
  },
  {
    name: "leave handled messages in the inbox",
    file: "src/peer/inbox.ts",
    find: "      if (item.stored !== undefined) this.#store.incoming.finish(place);",
    replace: "      if (item.stored !== undefined && this.#world.random() < 0.5) this.#store.incoming.finish(place);",
  },
  {
    name: "handle a sender's messages side by side",
    file: "src/peer/inbox.ts",
    find: "    this.#queue.add(queueOf(message), () => {",
    replace: "    this.#queue.add(`${message.place}`, () => {",
  },
  {
    name: "keep the connections when a commit fails",
    file: "src/peer/parts.ts",
    find: "    switchboard.reset(error);",
    replace: "",
  },
  {
    name: "give up dialling after the first failure",
    file: "src/peer/dialler.ts",
    find: "this.#host.isWanted(peer)) this.#dialLater(peer, attempt);",
    replace: "this.#host.isWanted(peer)) this.#attempts.delete(peer);",
  },
  {
    name: "send before the commit",
    file: "src/peer/outflow.ts",
    find: "      if (this.#sent >= this.#durable) return;",
    replace: "      this.#durable = this.#written;",
  },
  {
    name: "call a message handled that nobody took",
    file: "src/peer/inbox.ts",
    find: "    if (!this.#handler || this.#listener.isHeld(item.message.peer)) return this.#putBack(item);",
    replace: "    if (this.#listener.isHeld(item.message.peer)) return this.#putBack(item);",
  },
  {
    name: "forget a message before its receipt has come",
    file: "src/store/retention.ts",
    find: "    const end = all.findIndex(isAwaited);",
    replace: "    const end = -1;",
  },
  {
    name: "forget what waits to be handled",
    file: "src/store/retention.ts",
    find: "const NEEDED = `EXISTS (SELECT 1 FROM inbox WHERE inbox.place = incoming.place)",
    replace: "const NEEDED = `false",
  },
];
