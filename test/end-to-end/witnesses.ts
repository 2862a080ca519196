/** Witnesses of the cluster test: what peers said of themselves, what the registry told of them, and where the two differ. */
import { RegistryClient } from "../../src/registry/client.ts";
import type { Identity } from "../../src/identity/identity.ts";
import type { PeerEvent } from "./light-peer.ts";

/** A peer that has had its session for that long must be in every process's list: one may have to find another server first. */
const LISTED_MS = 20_000;

interface Known {
  name: string;
  isHere: boolean;
  /** Since when (epoch ms) it has, or has not, its session. */
  since: number;
  /** How often it has said goodbye. */
  gone: number;
}

export class Witnesses {
  readonly #peers = new Map<string, Known>(); // by id
  readonly #holders = new Map<string, string>(); // ids by the names that they were given
  readonly #offlines = new Map<string, number>(); // by watcher and id
  readonly faults: string[] = [];
  longestAwayMs = 0;
  longestUnlistedMs = 0;
  logins = 0;
  refusals = new Map<string, number>();
  offlines = 0;
  compared = 0;

  hear({ at, id, name, what, code = "" }: PeerEvent): void {
    const known = this.#peers.get(id) ?? { name, isHere: false, since: at, gone: 0 };
    this.#peers.set(id, known);
    if (what === "refused") this.refusals.set(code, (this.refusals.get(code) ?? 0) + 1);
    if (what === "gone") known.gone++;
    if (what === "here") this.#welcome(id, name, known, at);
    if (what === "lost" || what === "gone") [known.isHere, known.since] = [false, at];
  }

  /** One that looks on through `urls`, and must see nobody go who has not said goodbye. */
  watch(what: string, urls: readonly string[], identity: Identity): RegistryClient {
    const client = new RegistryClient({ url: urls.join(), identity, memory: new Map<string, string>() });
    client.on("offline", ({ id, name }) => {
      this.offlines++;
      const key = `${what} ${id}`;
      this.#offlines.set(key, (this.#offlines.get(key) ?? 0) + 1);
      if (name.includes("-stays-")) this.faults.push(`${what} was told that ${name} went; it did not`);
    });
    const addresses = [{ host: "192.0.2.1", port: 9 }];
    client.announce({ id: identity.id, name: what, kind: "person", addresses, card: { about: "", commands: [] } });
    return client;
  }

  /** Compares one process's list with who is here. Those who have gone may still be listed for a while. */
  async compare(url: string): Promise<void> {
    const here = [...this.#peers].filter(([, { isHere }]) => isHere);
    const askedAt = Date.now();
    const listed = await onlineAt(url);
    if (!listed) return; // it is being killed
    this.compared++;
    for (const [id, { name, isHere, since }] of here) {
      if (!isHere || since > askedAt || listed.has(id)) continue;
      const ms = askedAt - since;
      this.longestUnlistedMs = Math.max(this.longestUnlistedMs, ms);
      if (ms > LISTED_MS) this.faults.push(`${url} does not list ${name}, which has been here for ${ms} ms`);
    }
  }

  /** Where a process's list is not exactly who is here; `others` are known to be there, too. */
  async differences(url: string, others: readonly string[]): Promise<string[]> {
    const listed = (await onlineAt(url)) ?? new Set();
    const here = [...this.#peers].filter(([, { isHere }]) => isHere).map(([id]) => id);
    const missing = here.filter((id) => !listed.has(id)).map((id) => `${url} does not list ${this.#nameOf(id)}`);
    const known = new Set([...here, ...others]);
    const extra = [...listed].filter((id) => !known.has(id)).map((id) => `${url} lists ${this.#nameOf(id)}`);
    return [...missing, ...extra];
  }

  /** Peers that were told as gone more often than they went. To be asked at the end: both are heard on ways of their own. */
  falseDepartures(): string[] {
    return [...this.#offlines].flatMap(([key, count]) => {
      const [what = "", id = ""] = key.split(" ");
      const gone = this.#peers.get(id)?.gone ?? 0;
      return count > gone
        ? `${what} was told ${count} times that ${this.#nameOf(id)} went, which did so ${gone} times`
        : [];
    });
  }

  /** Those that have no session and want one. */
  get away(): number {
    return [...this.#peers.values()].filter(({ isHere, name }) => !isHere && name.includes("-stays-")).length;
  }

  get here(): number {
    return [...this.#peers.values()].filter(({ isHere }) => isHere).length;
  }

  #welcome(id: string, name: string, known: Known, at: number): void {
    this.logins++;
    const holder = this.#holders.get(name) ?? id;
    this.#holders.set(name, holder);
    if (holder !== id) this.faults.push(`the name ${name} was given to two keys`);
    if (known.gone === 0) this.longestAwayMs = Math.max(this.longestAwayMs, at - known.since);
    [known.isHere, known.since] = [true, at];
  }

  #nameOf(id: string): string {
    return this.#peers.get(id)?.name ?? id;
  }
}

async function onlineAt(url: string): Promise<Set<string> | undefined> {
  const listed = new Set<string>();
  try {
    for (let after: string | null = ""; after !== null;) {
      const query: string = after === "" ? "" : `&after=${after}`;
      const response = await fetch(`${url}/v1/peers?online=true&limit=200${query}`);
      const page = (await response.json()) as { peers: { id: string; online: boolean }[]; next: string | null };
      for (const { id, online } of page.peers) if (online) listed.add(id);
      after = page.next;
    }
    return listed;
  } catch {
    return undefined; // it is not there
  }
}
