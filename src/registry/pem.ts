/** PEM: files of certificates and keys, and what is wrong with them. */
import { X509Certificate, createPrivateKey, type KeyObject } from "node:crypto";
import { readFile } from "node:fs/promises";
import { describeError, WarrenError } from "../base/errors.ts";

/** @throws {WarrenError} `CERTIFICATE_INVALID` */
export async function readPem(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    throw new WarrenError("CERTIFICATE_INVALID", `${file} cannot be read (${describeError(error)})`, { cause: error });
  }
}

/** The first certificate of `text`, which was in `file`. @throws {WarrenError} `CERTIFICATE_INVALID` */
export function certificateIn(file: string, text: string): X509Certificate {
  return attempt(file, "certificate", () => new X509Certificate(text));
}

/** @throws {WarrenError} `CERTIFICATE_INVALID` */
export function privateKeyIn(file: string, text: string): KeyObject {
  return attempt(file, "private key without a password", () => createPrivateKey(text));
}

function attempt<Value>(file: string, what: string, parse: () => Value): Value {
  try {
    return parse();
  } catch (error) {
    throw new WarrenError("CERTIFICATE_INVALID", `${file} holds no ${what} in PEM (${describeError(error)})`, {
      cause: error,
    });
  }
}
