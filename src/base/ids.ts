/** The words of the house that everything speaks: who a peer is, what it may be called, where it can be reached. */
import { WarrenError } from "./errors.ts";

declare const peerIdBrand: unique symbol;

/** The raw Ed25519 public key in lower-case base32 without padding: 52 characters (fits a DNS label). */
export type PeerId = string & { readonly [peerIdBrand]: true };

export const PEER_KINDS = ["person", "bot"] as const;
export type PeerKind = (typeof PEER_KINDS)[number];

/** Who somebody is, as far as it has been shown: the id is proved, the name is for display. */
export interface PeerInfo {
  readonly id: PeerId;
  readonly name: string;
  readonly kind: PeerKind;
}

/** Where a peer listens. `host` is a DNS name, an IPv4 or an IPv6 address without brackets. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

const PEER_ID = /^[a-z2-7]{51}[aq]$/; // 256 bits in 52 digits of 5 bits: the last one holds a single bit
const NAME = /^[a-z0-9][a-z0-9-]{0,31}$/;

export function isPeerId(text: string): text is PeerId {
  return PEER_ID.test(text);
}

/** Names never have the shape of an id: they are at most 32 characters long. */
export function isName(text: string): boolean {
  return NAME.test(text);
}

/** @throws {WarrenError} `BAD_NAME` */
export function parseName(text: string): string {
  if (isName(text)) return text;
  throw new WarrenError(
    "BAD_NAME",
    `"${text.slice(0, 40)}" cannot be a name: use 1 to 32 of a-z, 0-9 and "-", not beginning with "-"`,
  );
}

/** The nearest allowed name to any text ("Ann Müller" becomes "ann-muller"), or undefined where nothing is left. */
export function nameFrom(text: string): string | undefined {
  const name = text
    .normalize("NFKD")
    .replace(/\p{M}/gu, "")
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-+/, "")
    .slice(0, 32)
    .replace(/-+$/, "");
  return isName(name) ? name : undefined;
}

/** The shortest form of an id that people can still compare. */
export function shortId(id: PeerId): string {
  return id.slice(0, 8);
}

/** Reads `host:port` or `[ipv6]:port`; undefined where it is neither. */
export function parseAddress(text: string): Address | undefined {
  const match = /^(?:\[([0-9a-fA-F:.]+(?:%[\w.-]+)?)\]|([^\s:[\]/]{1,253})):(\d{1,5})$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  return host !== undefined && port >= 1 && port <= 65_535 ? { host, port } : undefined;
}

export function formatAddress({ host, port }: Address): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
