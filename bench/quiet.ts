/** Quiet: Warren's connections without a peer behind them: hellos, the choice of a connection, signs of life, and no messages. */
import { systemWorld } from "../src/base/world.ts";
import { createIdentity, type Identity } from "../src/identity/identity.ts";
import { Switchboard } from "../src/peer/switchboard.ts";

const nothing = (): void => {};

export function quietSwitchboard({ id }: Identity): Switchboard {
  return new Switchboard({
    world: systemWorld,
    self: { id, name: "quiet", kind: "person" },
    port: () => 0,
    arrival: () => undefined,
    refusal: () => undefined,
    refused: nothing,
    overran: nothing,
    met: nothing,
    chosen: (connection) => connection.send({ t: "ready", have: null, w: 0 }),
    ready: (connection) => connection.send({ t: "start", epoch: "none", low: 1 }),
    frame: nothing,
    behind: (connection) => systemWorld.clock.soon(() => connection.takeTurn()),
    drained: nothing,
    lost: nothing,
    replaced: nothing,
    notice: nothing,
  });
}

/** Identities that are kept nowhere. */
export function createIdentities(count: number): Promise<Identity[]> {
  return Promise.all(Array.from({ length: count }, createIdentity));
}
