/** Grants: a name given to a key, signed by the registry that gave it. A name without one counts for nothing. */
import { z } from "zod";
import { WarrenError } from "../base/errors.ts";
import type { PeerId } from "../base/ids.ts";
import { nameShape, peerIdShape, timeShape } from "./shapes.ts";
import { openStatement, signStatement, type StatementKind } from "./statement.ts";

/** For how long a grant holds: as long as a name is kept that nobody uses. */
export const GRANT_DAYS = 90;
export const DAY_MS = 86_400_000;

export interface GrantBody {
  readonly registry: PeerId;
  readonly name: string;
  readonly id: PeerId;
  /** When the key first got the name; where two grants of one name meet, the earlier one wins. */
  readonly since: number;
  /** By the registry's clock, which is the only one that judges it. */
  readonly notAfter: number;
}

const GRANT: StatementKind<GrantBody> = {
  what: "grant",
  typ: "warren-grant+jwt",
  code: "RECORD_INVALID",
  maxBytes: 1_024,
  signer: (body) => body.registry,
  body: z.object({
    registry: peerIdShape,
    name: nameShape,
    id: peerIdShape,
    since: timeShape,
    notAfter: timeShape,
  }),
};

export function signGrant(body: GrantBody, privateKey: CryptoKey): Promise<string> {
  return signStatement(GRANT, body, privateKey);
}

/** What a grant must say to be worth something to its reader. */
export interface GrantExpectation {
  registry: PeerId;
  name: string;
  id: PeerId;
  /** The registry's own time; a reader has no clock to compare it with and leaves it out. */
  now?: number;
}

/** @throws {WarrenError} `RECORD_INVALID` unless this registry gave this name to this key, and it still holds */
export async function openGrant(jws: string, expected: GrantExpectation): Promise<GrantBody> {
  const grant = await openStatement(GRANT, jws);
  if (grant.registry !== expected.registry) throw refused("another registry gave it");
  if (grant.name !== expected.name) throw refused("it is for another name");
  if (grant.id !== expected.id) throw refused("it is for another key");
  if (expected.now !== undefined && grant.notAfter < expected.now) throw refused("it has run out");
  return grant;
}

function refused(why: string): WarrenError {
  return new WarrenError("RECORD_INVALID", `a grant was refused: ${why}`);
}
