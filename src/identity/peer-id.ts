/** Peer ids: a raw Ed25519 public key written in base32 (RFC 4648 §6, lower case, no padding). */
import { WarrenError } from "../base/errors.ts";
import { isPeerId, type PeerId } from "../base/ids.ts";

const ALPHABET = "abcdefghijklmnopqrstuvwxyz234567";
const KEY_BYTES = 32;
const ID_CHARACTERS = 52;

/** @throws {WarrenError} `BAD_PEER_ID` unless `key` has 32 bytes */
export function encodePeerId(key: Uint8Array): PeerId {
  if (key.byteLength !== KEY_BYTES) throw badId(`a key of ${key.byteLength} bytes; an Ed25519 key has ${KEY_BYTES}`);
  // Not a string that grows: its beginnings, as garbage, would lie between what a connection keeps, and hold that memory too.
  const text = Buffer.allocUnsafe(ID_CHARACTERS);
  let length = 0;
  let bits = 0; // the bits read and not yet written, right-aligned
  let held = 0; // how many they are; at most 12
  for (let at = 0; at < KEY_BYTES; at++) {
    const byte = key[at] ?? 0;
    bits = ((bits << 8) | byte) & 0xfff;
    for (held += 8; held >= 5; held -= 5) text[length++] = ALPHABET.charCodeAt((bits >> (held - 5)) & 31);
  }
  text[length] = ALPHABET.charCodeAt((bits << (5 - held)) & 31);
  const id = text.toString("latin1");
  if (!isPeerId(id)) throw badId(`"${id}" is not an id`);
  return id;
}

/** The 32 bytes of the key. */
export function decodePeerId(id: PeerId): Uint8Array {
  const key = new Uint8Array(KEY_BYTES);
  let bits = 0;
  let held = 0;
  let at = 0;
  for (const char of id) {
    bits = ((bits << 5) | ALPHABET.indexOf(char)) & 0xfff;
    held += 5;
    if (held >= 8) key[at++] = (bits >> (held -= 8)) & 0xff;
  }
  return key;
}

/** @throws {WarrenError} `BAD_PEER_ID` */
export function parsePeerId(text: string): PeerId {
  if (isPeerId(text)) return text;
  throw badId(`"${text.slice(0, 60)}" is not a peer id: 52 characters of a-z and 2-7 were expected`);
}

function badId(message: string): WarrenError {
  return new WarrenError("BAD_PEER_ID", message);
}
