/** What a registry and its peers read of each other: signed statements, and the frames of a session. */
import { CompactSign } from "jose/jws/compact/sign";
import { describeError, WarrenError } from "../../../src/base/errors.ts";
import type { PeerId } from "../../../src/base/ids.ts";
import { encodePeerId } from "../../../src/identity/peer-id.ts";
import {
  encodeFrame,
  parsePeerSideFrame,
  parseServerFrame,
  type PeerSideFrame,
  type ServerFrame,
} from "../../../src/registry/frames.ts";
import { openGrant, signGrant } from "../../../src/registry/grant.ts";
import {
  openChallenge,
  openGoodbye,
  openLogin,
  signChallenge,
  signGoodbye,
  signLogin,
} from "../../../src/registry/proof.ts";
import { openRecord, signRecord } from "../../../src/registry/record.ts";
import { magnitude, mustHold, seeRefusal, type Target } from "../target.ts";

/** A key that is the same each time: PKCS #8 of an Ed25519 key is this prefix and 32 bytes. */
const PKCS8 = Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), Buffer.alloc(32, 7)]);
const key = await crypto.subtle.importKey("pkcs8", PKCS8, "Ed25519", true, ["sign"]);
const { x = "" } = await crypto.subtle.exportKey("jwk", key);
const id: PeerId = encodePeerId(Buffer.from(x, "base64url"));

const CARD = {
  about: "rolls dice",
  commands: [{ name: "roll", about: "rolls", args: { type: "object", properties: { sides: { type: "integer" } } } }],
};
const RECORD = {
  id,
  name: "dice",
  kind: "bot" as const,
  addresses: [{ host: "192.0.2.1", port: 9278 }],
  card: CARD,
  rooms: ["lab"],
  seq: 1,
  ttl: 3600,
  next: "a".repeat(43),
};
const GRANT = { registry: id, name: "dice", id, since: 1, notAfter: 2 };
const NONCES = { nonce: "n".repeat(16), dialled: "d".repeat(16) };
const GOODBYE = { id, registry: id, nonce: NONCES.nonce };
const LOGIN = { ...GOODBYE, origin: "http://127.0.0.1:9277" };
const CHALLENGE = { registry: id, ...NONCES };

const STATEMENTS = [
  { typ: "warren-record+jwt", open: openRecord, sign: signRecord },
  { typ: "warren-grant+jwt", open: (jws: string) => openGrant(jws, GRANT), sign: signGrant },
  { typ: "warren-login+jwt", open: openLogin, sign: signLogin },
  { typ: "warren-goodbye+jwt", open: openGoodbye, sign: signGoodbye },
  { typ: "warren-challenge+jwt", open: openChallenge, sign: signChallenge },
] as const;

const REFUSALS = ["RECORD_INVALID", "REGISTRY_REFUSED", "REGISTRY_UNUSABLE"] as const;

const jws = await Promise.all([signRecord(RECORD, key), signGrant(GRANT, key), signLogin(LOGIN, key)]);

/** The kind of statement is the first character; JSON that follows is signed with a good key, anything else is taken as it is. */
export const statements: Target = {
  name: "statements",
  maxBytes: 40_000,
  seeds: [
    ...[RECORD, GRANT, LOGIN, GOODBYE, CHALLENGE].map((body, kind) => `${kind}\n${JSON.stringify(body)}`),
    ...jws.map((text, kind) => `${kind}\n${text}`),
  ],
  tokens: [
    ...jws.flatMap((text) => text.split(".")),
    ".",
    "..",
    "0\n",
    "1\n",
    "=",
    id,
    '"__proto__":{}',
    "eyJhbGciOiJub25lIn0",
  ],
  async run(input, see) {
    const text = Buffer.from(input).toString();
    const kind = Number(text[0]) % STATEMENTS.length || 0;
    const statement = STATEMENTS[kind] ?? STATEMENTS[0];
    const rest = text.slice(2);
    const signed = rest.startsWith("{") ? await signAnything(rest, statement.typ) : rest;
    try {
      const body = await statement.open(signed);
      see(`${statement.typ} accepted, ${magnitude(JSON.stringify(body).length)}`);
      // What is accepted is within every bound: its owner could sign it just so.
      if (statement.open === openRecord) await openRecord(await signRecord(await openRecord(signed), key));
    } catch (error) {
      seeRefusal(error, REFUSALS, (sight) => see(`${kind} ${sight}`));
      mustHold(describeError(error).length <= 1_000, () => "a refusal that is too long to be told");
    }
  },
};

const SERVER_FRAMES: ServerFrame[] = [
  { t: "challenge", challenge: "c" },
  { t: "welcome", grant: "g", leaseMs: 60_000, seen: "192.0.2.1" },
  { t: "recorded", seq: 1, grant: "g" },
  { t: "snapshot" },
  { t: "peer", online: true, age: 0, record: "r", grant: "g", cursor: "c" },
  { t: "synced", cursor: "c" },
  { t: "pong" },
  { t: "bye" },
  { t: "error", code: "NAME_TAKEN", message: "m", holder: { id, since: 1 }, last: "l" },
];
const PEER_FRAMES: PeerSideFrame[] = [
  { t: "login", login: "l", record: "r", grant: "g", ifFree: true },
  { t: "record", record: "r" },
  { t: "subscribe", after: "a" },
  { t: "ping" },
  { t: "goodbye", goodbye: "g" },
];

/** Any text is a frame or refused, on both sides, and a frame comes back as it was sent. */
export const registryFrames: Target = {
  name: "registry-frames",
  maxBytes: 70_000,
  seeds: [...SERVER_FRAMES, ...PEER_FRAMES].map((frame) => encodeFrame(frame)),
  tokens: [...SERVER_FRAMES, ...PEER_FRAMES].map((frame) => frame.t),
  run(input, see) {
    const text = Buffer.from(input).toString();
    for (const parse of [parseServerFrame, parsePeerSideFrame]) {
      try {
        const frame = parse(text);
        if (!frame) {
          see("a frame of an unknown kind");
          continue;
        }
        see(`${frame.t} of ${magnitude(Object.keys(frame).length)} fields`);
        const again = encodeFrame(frame);
        const back = parse(again);
        mustHold(back !== undefined && encodeFrame(back) === again, () => "a frame does not come back as it was");
      } catch (error) {
        seeRefusal(error, ["FRAME_MALFORMED", "FRAME_TOO_LARGE"], see);
      }
    }
  },
};

async function signAnything(payload: string, typ: string): Promise<string> {
  try {
    return await new CompactSign(Buffer.from(payload)).setProtectedHeader({ alg: "EdDSA", typ }).sign(key);
  } catch (error) {
    throw new WarrenError("RECORD_INVALID", "it cannot be signed", { cause: error });
  }
}
