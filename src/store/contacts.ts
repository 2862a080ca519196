/** Contacts: everyone ever met, with the counters of the lasting session of each. */
import type { PeerId, PeerKind } from "../base/ids.ts";
import type { Database } from "./database.ts";

export interface ContactRow {
  readonly n: number;
  readonly id: PeerId;
  readonly name: string;
  readonly kind: PeerKind;
  readonly pinned: string | null;
  readonly addresses: string;
  readonly seenAt: number;
  readonly known: 0 | 1;
  readonly heard: 0 | 1;
  readonly blocked: 0 | 1;
  readonly outEpoch: number;
  readonly outAcked: number;
  readonly outWritten: number;
  readonly inEpoch: string | null;
  readonly inN: number;
  readonly inId: string;
  readonly inLost: number;
}

const COLUMNS = `n, id, name, kind, pinned, addresses, seen_at AS seenAt, known, heard, blocked,
  out_epoch AS outEpoch, out_acked AS outAcked, out_written AS outWritten,
  in_epoch AS inEpoch, in_n AS inN, in_id AS inId, in_lost AS inLost`;

const PASSING = "heard = 0 AND known = 0 AND blocked = 0 AND pinned IS NULL"; // as in the index

export class Contacts {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  byId(id: PeerId): ContactRow | undefined {
    return this.#db.get<ContactRow>(`SELECT ${COLUMNS} FROM peer WHERE id = ?`, id);
  }

  byNumber(n: number): ContactRow | undefined {
    return this.#db.get<ContactRow>(`SELECT ${COLUMNS} FROM peer WHERE n = ?`, n);
  }

  byPinnedName(name: string): ContactRow | undefined {
    return this.#db.get<ContactRow>(`SELECT ${COLUMNS} FROM peer WHERE pinned = ?`, name);
  }

  /** Those who call themselves so, whether or not anybody vouches for it. */
  byClaimedName(name: string): ContactRow[] {
    return this.#db.all<ContactRow>(`SELECT ${COLUMNS} FROM peer WHERE name = ? LIMIT 10`, name);
  }

  all(): ContactRow[] {
    return this.#db.all<ContactRow>(`SELECT ${COLUMNS} FROM peer ORDER BY name, id`);
  }

  blocked(): ContactRow[] {
    return this.#db.all<ContactRow>(`SELECT ${COLUMNS} FROM peer WHERE blocked = 1 ORDER BY name, id`);
  }

  /** Those with messages that they have not acknowledged, or receipts that they have not confirmed. */
  waitedFor(): ContactRow[] {
    return this.#db.all<ContactRow>(
      `SELECT ${COLUMNS} FROM peer WHERE
        EXISTS (SELECT 1 FROM outgoing o WHERE o.peer = n AND o.epoch = out_epoch AND o.seq > out_acked)
        OR EXISTS (SELECT 1 FROM due WHERE due.peer = n)`,
    );
  }

  add(id: PeerId, name: string, kind: PeerKind, outEpoch: number): ContactRow {
    this.#db.run(
      `INSERT INTO peer (id, name, kind, addresses, seen_at, known, out_epoch, out_acked, out_written, in_n, in_id, in_lost)
       VALUES (?, ?, ?, '[]', 0, 0, ?, 0, 0, 0, '', 0)`,
      id,
      name,
      kind,
      outEpoch,
    );
    const row = this.byId(id);
    if (!row) throw new Error("a row that was just written is there");
    return row;
  }

  saveSeen(n: number, name: string, kind: PeerKind, addresses: string, seenAt: number): void {
    const sql = "UPDATE peer SET name = ?, kind = ?, addresses = ?, seen_at = ? WHERE n = ?";
    this.#db.run(sql, name, kind, addresses, seenAt, n);
  }

  saveAddresses(n: number, addresses: string): void {
    this.#db.run("UPDATE peer SET addresses = ? WHERE n = ?", addresses, n);
  }

  markKnown(n: number): void {
    this.#db.run("UPDATE peer SET known = 1 WHERE n = ?", n);
  }

  markHeard(n: number): void {
    this.#db.run("UPDATE peer SET heard = 1 WHERE n = ?", n);
  }

  saveBlocked(n: number, isBlocked: boolean): void {
    this.#db.run("UPDATE peer SET blocked = ? WHERE n = ?", isBlocked ? 1 : 0, n);
  }

  /**
   * Forgets those who have said hello and nothing else, the oldest first, once there are more than `most` of them; and
   * then a tenth at once, which makes it cheap. Returns whom.
   */
  forgetPassing(most: number, isNeeded: (id: PeerId) => boolean): PeerId[] {
    if (this.#countPassing() <= most) return [];
    const sql = `SELECT n, id, out_epoch AS outEpoch FROM peer WHERE ${PASSING} ORDER BY seen_at`;
    const forgotten = this.#db
      .all<{ n: number; id: PeerId; outEpoch: number }>(sql)
      .filter(({ id }) => !isNeeded(id))
      .slice(0, Math.ceil(most / 10));
    for (const { n, outEpoch } of forgotten) {
      this.#db.run("DELETE FROM peer WHERE n = ?", n);
      this.#db.run("DELETE FROM epoch WHERE n = ?", outEpoch);
    }
    return forgotten.map(({ id }) => id);
  }

  /** Gives `name` to one peer and takes it from whoever had it. */
  pin(n: number, name: string): void {
    this.#db.run("UPDATE peer SET pinned = NULL WHERE pinned = ? AND n <> ?", name, n);
    this.#db.run("UPDATE peer SET pinned = ? WHERE n = ?", name, n);
  }

  saveOut(n: number, epoch: number, acked: number, written: number): void {
    const sql = "UPDATE peer SET out_epoch = ?, out_acked = ?, out_written = ? WHERE n = ?";
    this.#db.run(sql, epoch, acked, written, n);
  }

  saveIn(n: number, epoch: string, received: number, id: string, lost: number): void {
    const sql = "UPDATE peer SET in_epoch = ?, in_n = ?, in_id = ?, in_lost = ? WHERE n = ?";
    this.#db.run(sql, epoch, received, id, lost, n);
  }

  #countPassing(): number {
    return this.#db.get<{ count: number }>(`SELECT count(*) AS count FROM peer WHERE ${PASSING}`)?.count ?? 0;
  }
}
