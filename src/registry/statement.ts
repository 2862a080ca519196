/**
 * Statements: what somebody signed, as a compact JWS (RFC 7515, EdDSA), so that any language can check it.
 * Each kind has a `typ` of its own: a statement of one kind never passes for one of another.
 */
import { CompactSign } from "jose/jws/compact/sign"; // 4 ms to load; all of jose takes 9 to 27
import { compactVerify } from "jose/jws/compact/verify";
import type { z } from "zod";
import { describeError, WarrenError, type ErrorCode } from "../base/errors.ts";
import type { PeerId } from "../base/ids.ts";
import { decodePeerId } from "../identity/peer-id.ts";

interface StatementLabel {
  /** What people call it. */
  readonly what: string;
  readonly typ: string;
  /** Longest compact form. */
  readonly maxBytes: number;
  /** The error that a bad one is. */
  readonly code: ErrorCode;
}

export interface StatementKind<Body extends object> extends StatementLabel {
  readonly body: z.ZodType<Body>;
  /** Whose key must have signed it, as the body itself says. */
  readonly signer: (body: Body) => PeerId;
}

// The 64 bytes of the signature leave 4 bits of the last character over: unless they are zero, a second text would pass.
const COMPACT_JWS = /^[\w-]+\.[\w-]+\.[\w-]{85}[AQgw]$/;

const utf8 = new TextEncoder();
const fromUtf8 = new TextDecoder("utf-8", { fatal: true });

/** @throws {WarrenError} the kind's code, when `body` is outside the bounds that every reader checks */
export async function signStatement<Body extends object>(
  kind: StatementKind<Body>,
  body: Body,
  privateKey: CryptoKey,
): Promise<string> {
  const checked = checkShape(kind, body);
  const jws = await new CompactSign(utf8.encode(JSON.stringify(checked)))
    .setProtectedHeader({ alg: "EdDSA", typ: kind.typ })
    .sign(privateKey);
  checkSize(kind, jws);
  return jws;
}

/**
 * The body of a stranger's statement: its size, shape, bounds and signature are checked.
 *
 * @throws {WarrenError} the kind's code
 */
export async function openStatement<Body extends object>(kind: StatementKind<Body>, jws: string): Promise<Body> {
  checkSize(kind, jws);
  if (!COMPACT_JWS.test(jws)) throw bad(kind, "it is not a compact JWS with an Ed25519 signature");
  const body = checkShape(kind, readPayload(kind, jws));
  try {
    const key = await crypto.subtle.importKey("raw", decodePeerId(kind.signer(body)).slice(), "Ed25519", true, [
      "verify",
    ]);
    const { protectedHeader } = await compactVerify(jws, key, { algorithms: ["EdDSA"] });
    if (protectedHeader.typ !== kind.typ) throw bad(kind, `its type is not ${kind.typ}`);
  } catch (error) {
    if (error instanceof WarrenError) throw error;
    throw bad(kind, "its signature is not by the key that it names", error);
  }
  return body;
}

function readPayload(kind: StatementLabel, jws: string): unknown {
  try {
    return JSON.parse(fromUtf8.decode(Buffer.from(jws.split(".", 2)[1] ?? "", "base64url")));
  } catch (error) {
    throw bad(kind, "its payload is not JSON", error);
  }
}

function checkShape<Body extends object>(kind: StatementKind<Body>, body: unknown): Body {
  const result = kind.body.safeParse(body);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const place = issue?.path.map(String).join(".") || "body";
  throw bad(kind, `${place}: ${issue?.message ?? describeError(result.error)}`);
}

function checkSize(kind: StatementLabel, jws: string): void {
  if (jws.length > kind.maxBytes) throw bad(kind, `it has ${jws.length} bytes; the limit is ${kind.maxBytes}`);
}

function bad(kind: StatementLabel, why: string, cause?: unknown): WarrenError {
  return new WarrenError(kind.code, `a ${kind.what} was refused: ${why}`, { cause });
}
