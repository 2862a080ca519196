/** Certificate files: what a registry shows by TLS. They are looked at again and again, as who renews them does not say so. */
import { describeError, WarrenError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { Clock, Timer } from "../base/world.ts";
import { certificateIn, privateKeyIn, readPem } from "./pem.ts";

const LOOK_MS = 60_000;

export interface CertificatePlace {
  /** PEM; the chain, the registry's own first. */
  readonly certFile: string;
  /** PEM. */
  readonly keyFile: string;
}

export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

export class CertificateFiles {
  readonly #place: CertificatePlace;
  #current: Certificate;

  private constructor(place: CertificatePlace, current: Certificate) {
    this.#place = place;
    this.#current = current;
  }

  /** @throws {WarrenError} `CERTIFICATE_INVALID` */
  static async open(place: CertificatePlace): Promise<CertificateFiles> {
    return new CertificateFiles(place, await read(place));
  }

  get current(): Certificate {
    return this.#current;
  }

  /** Tells of every change from now on, once both files fit each other. */
  watch(clock: Clock, log: Log, onChange: (certificate: Certificate) => void): Disposable {
    let timer: Timer;
    let isEnded = false;
    let told = ""; // what was wrong last
    const look = async (): Promise<void> => {
      try {
        const now = await read(this.#place);
        told = "";
        if (isEnded || (now.cert === this.#current.cert && now.key === this.#current.key)) return;
        this.#current = now;
        onChange(now);
      } catch (error) {
        const what = describeError(error); // the one before goes on: perhaps only one of the two has been replaced
        if (what !== told) log.warn(what);
        told = what;
      } finally {
        if (!isEnded) timer = clock.after(LOOK_MS, () => void look());
      }
    };
    timer = clock.after(LOOK_MS, () => void look());
    return {
      [Symbol.dispose]() {
        isEnded = true;
        timer[Symbol.dispose]();
      },
    };
  }
}

async function read({ certFile, keyFile }: CertificatePlace): Promise<Certificate> {
  const [cert, key] = await Promise.all([readPem(certFile), readPem(keyFile)]);
  if (certificateIn(certFile, cert).checkPrivateKey(privateKeyIn(keyFile, key))) return { cert, key };
  throw new WarrenError("CERTIFICATE_INVALID", `the key in ${keyFile} is not that of the certificate in ${certFile}`);
}
