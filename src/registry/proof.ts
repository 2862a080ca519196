/** Proofs: what the two sides of a registry session sign, so that neither can be played back, passed on or made up. */
import { z } from "zod";
import type { PeerId } from "../base/ids.ts";
import { nameShape, nonceShape, peerIdShape } from "./shapes.ts";
import { openStatement, signStatement, type StatementKind } from "./statement.ts";

/** The registry's first word: it has the key that it is known by, and this connection has these two nonces. */
export interface Challenge {
  readonly registry: PeerId;
  readonly nonce: string;
  /** The nonce that the peer gave when it dialled. */
  readonly dialled: string;
}

/** A peer's answer. It names the origin that was dialled: a hostile registry cannot log in with it at another one. */
export interface Login {
  readonly id: PeerId;
  readonly registry: PeerId;
  readonly nonce: string;
  /** `scheme://host:port`, as in a URL's origin. */
  readonly origin: string;
}

/** A peer's last word: it is offline from now on. */
export interface Goodbye {
  readonly id: PeerId;
  readonly registry: PeerId;
  readonly nonce: string;
}

/** A key gives a name back. Like a login it is for this connection, and for the origin that was dialled. */
export interface Release extends Login {
  readonly name: string;
}

const MAX_PROOF_BYTES = 1_536;

const goodbyeShape = z.object({ id: peerIdShape, registry: peerIdShape, nonce: nonceShape });
const loginShape = goodbyeShape.extend({ origin: z.string().max(300) });

const CHALLENGE: StatementKind<Challenge> = {
  what: "challenge",
  typ: "warren-challenge+jwt",
  code: "REGISTRY_UNUSABLE",
  maxBytes: MAX_PROOF_BYTES,
  signer: (body) => body.registry,
  body: z.object({ registry: peerIdShape, nonce: nonceShape, dialled: nonceShape }),
};

const LOGIN: StatementKind<Login> = {
  what: "login",
  typ: "warren-login+jwt",
  code: "REGISTRY_REFUSED",
  maxBytes: MAX_PROOF_BYTES,
  signer: (body) => body.id,
  body: loginShape,
};

const RELEASE: StatementKind<Release> = {
  what: "release",
  typ: "warren-release+jwt",
  code: "REGISTRY_REFUSED",
  maxBytes: MAX_PROOF_BYTES,
  signer: (body) => body.id,
  body: loginShape.extend({ name: nameShape }),
};

const GOODBYE: StatementKind<Goodbye> = {
  what: "goodbye",
  typ: "warren-goodbye+jwt",
  code: "REGISTRY_REFUSED",
  maxBytes: MAX_PROOF_BYTES,
  signer: (body) => body.id,
  body: goodbyeShape,
};

export const signChallenge = (body: Challenge, key: CryptoKey): Promise<string> => signStatement(CHALLENGE, body, key);
export const openChallenge = (jws: string): Promise<Challenge> => openStatement(CHALLENGE, jws);
export const signLogin = (body: Login, key: CryptoKey): Promise<string> => signStatement(LOGIN, body, key);
export const openLogin = (jws: string, isWanted?: (login: Login) => void): Promise<Login> =>
  openStatement(LOGIN, jws, isWanted);
export const signGoodbye = (body: Goodbye, key: CryptoKey): Promise<string> => signStatement(GOODBYE, body, key);
export const signRelease = (body: Release, key: CryptoKey): Promise<string> => signStatement(RELEASE, body, key);
export const openRelease = (jws: string): Promise<Release> => openStatement(RELEASE, jws);
export const openGoodbye = (jws: string): Promise<Goodbye> => openStatement(GOODBYE, jws);
