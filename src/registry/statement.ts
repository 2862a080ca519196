/**
 * Statements: what somebody signed, as a compact JWS (RFC 7515, EdDSA), so that any language can check it.
 * Each kind has a `typ` of its own: a statement of one kind never passes for one of another.
 */
import { CompactSign } from "jose/jws/compact/sign"; // 4 ms to load; all of jose takes 9 to 27
import { z } from "zod";
import { describeError, WarrenError, type ErrorCode } from "../base/errors.ts";
import type { PeerId } from "../base/ids.ts";
import { isSigned } from "./signature.ts";

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

/** What changes how the rest is read (RFC 7515 §4.1.11, RFC 7797) is refused, since nothing of it is understood. */
const headerShape = z.object({
  alg: z.literal("EdDSA"),
  typ: z.string(),
  crit: z.never().optional(),
  b64: z.never().optional(),
});

const usualHeaders = new Map<string, string>(); // by their type, of which there are few

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
 * The body of a stranger's statement: its size, shape, bounds and signature are checked. `isWanted` throws for one that is
 * of no use, before its signature costs anything.
 *
 * @throws {WarrenError} the kind's code
 */
export async function openStatement<Body extends object>(
  kind: StatementKind<Body>,
  jws: string,
  isWanted?: (body: Body) => void,
): Promise<Body> {
  checkSize(kind, jws);
  if (!COMPACT_JWS.test(jws)) throw bad(kind, "it is not a compact JWS with an Ed25519 signature");
  const [header = "", payload = "", signature = ""] = jws.split(".");
  checkHeader(kind, header);
  const body = checkShape(kind, readPart(kind, "payload", payload));
  isWanted?.(body);
  if (!(await isSigned(kind.signer(body), `${header}.${payload}`, signature))) {
    throw bad(kind, "its signature is not by the key that it names");
  }
  return body;
}

/** The body of a statement that stood the check before it was kept: its signature is not looked at again. */
export function readStatement<Body extends object>(kind: StatementKind<Body>, jws: string): Body {
  return checkShape(kind, readPart(kind, "payload", jws.split(".", 2)[1] ?? ""));
}

function checkHeader(kind: StatementLabel, part: string): void {
  if (part === usualHeader(kind)) return;
  const header = headerShape.safeParse(readPart(kind, "header", part));
  if (!header.success) throw bad(kind, "its header says what is not understood: alg EdDSA and a typ were expected");
  if (header.data.typ !== kind.typ) throw bad(kind, `its type is not ${kind.typ}`);
}

function readPart(kind: StatementLabel, which: string, part: string): unknown {
  try {
    return JSON.parse(fromUtf8.decode(Buffer.from(part, "base64url")));
  } catch (error) {
    throw bad(kind, `its ${which} is not JSON`, error);
  }
}

/** As `signStatement` makes it. */
function usualHeader({ typ }: StatementLabel): string {
  const known = usualHeaders.get(typ);
  if (known !== undefined) return known;
  const header = Buffer.from(JSON.stringify({ alg: "EdDSA", typ })).toString("base64url");
  usualHeaders.set(typ, header);
  return header;
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
