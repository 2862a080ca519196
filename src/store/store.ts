/** The store of one peer: its database and the tables in it. */
import type { Clock } from "../base/world.ts";
import { Contacts } from "./contacts.ts";
import { Database } from "./database.ts";
import { Entries } from "./entries.ts";
import { HeardRuns } from "./heard.ts";
import { Incoming } from "./incoming.ts";
import { Outgoing } from "./outgoing.ts";
import { Receipts } from "./receipts.ts";
import { Retention } from "./retention.ts";
import { Settings } from "./settings.ts";

export interface Store extends Disposable {
  readonly db: Database;
  readonly settings: Settings;
  readonly contacts: Contacts;
  readonly outgoing: Outgoing;
  readonly incoming: Incoming;
  readonly heard: HeardRuns;
  readonly receipts: Receipts;
  readonly entries: Entries;
  readonly retention: Retention;
}

/** @throws {WarrenError} see `Database` */
export function openStore(path: string | Uint8Array, clock: Clock): Store {
  const db = new Database(path, clock);
  return {
    db,
    settings: new Settings(db),
    contacts: new Contacts(db),
    outgoing: new Outgoing(db),
    incoming: new Incoming(db),
    heard: new HeardRuns(db),
    receipts: new Receipts(db),
    entries: new Entries(db),
    retention: new Retention(db),
    [Symbol.dispose]: () => db[Symbol.dispose](),
  };
}
