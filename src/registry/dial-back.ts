/**
 * Dial-back: whether a peer can be dialled where the registry sees it. Only the address that it has dialled from is tried,
 * never one that it names: a registry cannot be turned against a third party.
 */
import type { Socket } from "bun";
import type { Address, PeerId } from "../base/ids.ts";
import { ownerOf, perMinute, RateLimit } from "../base/rate.ts";
import { reachOf } from "../base/reach.ts";
import type { Clock } from "../base/world.ts";
import { idShownBy } from "../identity/shown-key.ts";
import type { Reachability } from "./frames.ts";

const WITHIN_MS = 3_000;
/** Ports tried of one record; looks that are under way; looks at one address. */
export const MAX_PORTS = 2;
export const MAX_LOOKS = 64;
export const LOOKS_PER_MINUTE = 10;
const ALPN = Buffer.from("\x08warren/1"); // its wire format: docs/protocol.md

export interface Seen {
  readonly reachable: Reachability;
  /** The port that answered, or the first one that did not. */
  readonly port: number;
}

/** Whether that peer answers at an address. Resolves in any case. */
export type Knock = (address: Address, peer: PeerId, clock: Clock) => Promise<boolean>;

export class DialBack {
  readonly #clock: Clock;
  readonly #knock: Knock;
  readonly #rate: RateLimit;
  #looks = 0;

  constructor(clock: Clock, knock: Knock = knockByTls) {
    this.#clock = clock;
    this.#knock = knock;
    this.#rate = new RateLimit(clock, perMinute(LOOKS_PER_MINUTE));
  }

  /** Undefined where it would say nothing: of one's own machine, or of a peer that listens nowhere. */
  async look(host: string, peer: PeerId, addresses: readonly Address[]): Promise<Seen | undefined> {
    const ports = portsOf(addresses);
    const [port] = ports;
    const reach = reachOf(host);
    if (port === undefined || (reach !== "world" && reach !== "site")) return undefined;
    if (this.#looks >= MAX_LOOKS || this.#rate.take(ownerOf(host)) > 0) return { reachable: "unknown", port };
    this.#looks++;
    try {
      for (const one of ports) {
        if (await this.#knock({ host, port: one }, peer, this.#clock)) return { reachable: "yes", port: one };
      }
      return { reachable: "no", port };
    } finally {
      this.#looks--;
    }
  }
}

/** The ports that a dial-back tries of a record. */
export function portsOf(addresses: readonly Address[]): number[] {
  return [...new Set(addresses.map(({ port }) => port))].slice(0, MAX_PORTS);
}

/**
 * A TLS handshake, in which the other side signs what is fresh on both sides: no nonce of ours is needed. We show no
 * certificate, so a Warren peer hangs up after it.
 */
export const knockByTls: Knock = (address, peer, clock) =>
  new Promise((resolve) => {
    let socket: Socket | undefined;
    const settle = (answers: boolean): void => {
      limit[Symbol.dispose]();
      resolve(answers);
      socket?.terminate();
    };
    const limit = clock.after(WITHIN_MS, () => settle(false));
    Bun.connect({
      hostname: address.host,
      port: address.port,
      tls: { rejectUnauthorized: false, ALPNProtocols: ALPN, serverName: `${peer}.warren` },
      socket: {
        open: (opened) => void (socket = opened),
        handshake: (opened) => settle(idShownBy(opened.getPeerX509Certificate()) === peer),
        data() {},
        close: () => settle(false),
        error: () => settle(false),
        connectError: () => settle(false),
      },
    }).catch(() => settle(false));
  });
