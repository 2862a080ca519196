/** Passes: by them a closed registry knows, over HTTP, those whom it lets in. Nothing of them is kept. */
import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import { isPeerId, type PeerId } from "../base/ids.ts";
import type { Identity } from "../identity/identity.ts";

export class Passes {
  readonly #secret: Buffer;

  constructor({ keyPem }: Identity) {
    this.#secret = createHash("sha256").update(`warren reading pass\n${keyPem}`).digest();
  }

  passOf(id: PeerId): string {
    return `${id}.${this.#mac(id).toString("base64url")}`;
  }

  /** Whose pass an `Authorization` header shows; undefined if it is none of this registry. */
  holderOf(header: string | null): PeerId | undefined {
    const [, id = "", mac = ""] = /^Bearer ([a-z2-7]{52})\.([\w-]{43})$/.exec(header ?? "") ?? [];
    if (!isPeerId(id)) return undefined;
    return timingSafeEqual(this.#mac(id), Buffer.from(mac, "base64url")) ? id : undefined;
  }

  #mac(id: PeerId): Buffer {
    return createHmac("sha256", this.#secret).update(id).digest();
  }
}
