/** The tables of a peer's database. Rows are narrow, and the hot path maintains no index that it does not read. */

/** Each entry brings a database from the version of its index to the next one; entries are never changed, only added. */
export const MIGRATIONS = [
  `
  -- Single values: what the registry's client remembers, the time lived through, whether the last end was orderly.
  CREATE TABLE setting (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

  -- Everyone ever met, with the counters of the lasting session (DESIGN: "session").
  CREATE TABLE peer (
    n INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,           -- what it calls itself; for display only
    kind TEXT NOT NULL,
    pinned TEXT UNIQUE,           -- the name that a registry granted it or the user accepted
    addresses TEXT NOT NULL,      -- JSON list of "host:port", best first
    seen_at INTEGER NOT NULL,     -- epoch ms of the last hello; 0 if never
    known INTEGER NOT NULL,       -- 1 once we have written to it: no stranger any more
    out_epoch INTEGER NOT NULL,   -- of our messages to it: epoch.n
    out_acked INTEGER NOT NULL,   -- up to here they are on its disk
    out_written INTEGER NOT NULL, -- up to here they may have been on a wire; raised before they are
    in_epoch TEXT,                -- of its messages to us: the epoch as it names it
    in_n INTEGER NOT NULL,        -- up to here they are on our disk
    in_id TEXT NOT NULL,          -- the id of that one
    in_lost INTEGER NOT NULL      -- how many it no longer held when we asked for them
  );

  -- Epochs of our outgoing counters, so that a message names one in a byte or two.
  CREATE TABLE epoch (n INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);

  -- What we said. The outbox is what lies above peer.out_acked in peer.out_epoch.
  CREATE TABLE outgoing (
    peer INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    id TEXT NOT NULL,
    place INTEGER NOT NULL,       -- order among everything said and heard here
    at INTEGER NOT NULL,          -- epoch ms
    born INTEGER NOT NULL,        -- time lived through (s) when it was written
    hops INTEGER NOT NULL,
    room TEXT,
    re TEXT,
    text TEXT NOT NULL,
    PRIMARY KEY (peer, epoch, seq)
  ) WITHOUT ROWID;

  -- What became of them past "delivered", as ranges of numbers: handled, failed, expired.
  CREATE TABLE outcome (
    peer INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    state TEXT NOT NULL,
    reason TEXT,
    PRIMARY KEY (peer, epoch, first)
  ) WITHOUT ROWID;

  -- What we heard.
  CREATE TABLE incoming (
    peer INTEGER NOT NULL,
    place INTEGER NOT NULL,
    id TEXT NOT NULL,
    at INTEGER NOT NULL,
    hops INTEGER NOT NULL,
    room TEXT,
    re TEXT,
    text TEXT NOT NULL,
    PRIMARY KEY (peer, place)
  ) WITHOUT ROWID;
  CREATE UNIQUE INDEX incoming_id ON incoming (peer, id); -- ids of one run of a sender grow: an append, mostly

  -- What of it is not handled yet, and the number by which its sender knows it.
  CREATE TABLE inbox (
    place INTEGER PRIMARY KEY,
    peer INTEGER NOT NULL,
    epoch TEXT NOT NULL,
    seq INTEGER NOT NULL,
    attempts INTEGER NOT NULL     -- how often its handlers were begun
  );

  -- What handlers that are not done yet have already done: their effects, by name.
  CREATE TABLE effect (
    place INTEGER NOT NULL,
    name TEXT NOT NULL,
    result TEXT NOT NULL,         -- JSON
    PRIMARY KEY (place, name)
  ) WITHOUT ROWID;

  -- Messages set aside because their handlers failed for good.
  CREATE TABLE dead (place INTEGER PRIMARY KEY, peer INTEGER NOT NULL, reason TEXT NOT NULL, at INTEGER NOT NULL);

  -- Receipts that their receiver has not confirmed.
  CREATE TABLE due (
    k INTEGER PRIMARY KEY AUTOINCREMENT,
    peer INTEGER NOT NULL,
    epoch TEXT NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    reason TEXT                   -- why it failed; null: handled
  );
  CREATE INDEX due_peer ON due (peer, k);

  -- The stores of bots.
  CREATE TABLE entry (
    store TEXT NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,          -- JSON
    PRIMARY KEY (store, key)
  ) WITHOUT ROWID;
  `,
  `
  ALTER TABLE peer ADD COLUMN blocked INTEGER NOT NULL DEFAULT 0; -- 1: the user wants nothing of it
  ALTER TABLE peer ADD COLUMN heard INTEGER NOT NULL DEFAULT 0;   -- 1 once a message of it was taken
  UPDATE peer SET heard = 1 WHERE EXISTS (SELECT 1 FROM incoming WHERE incoming.peer = peer.n);

  -- Those who have said hello and nothing else: they are forgotten when they become too many.
  CREATE INDEX peer_passing ON peer (seen_at) WHERE heard = 0 AND known = 0 AND blocked = 0 AND pinned IS NULL;

  -- Of a message that was set aside: the number by which its sender knows it (0 where that was not kept), and how often
  -- its handlers were begun.
  ALTER TABLE dead ADD COLUMN epoch TEXT NOT NULL DEFAULT '';
  ALTER TABLE dead ADD COLUMN seq INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE dead ADD COLUMN attempts INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE dead ADD COLUMN dropped INTEGER NOT NULL DEFAULT 0; -- 1: the user wants to see it no more
  `,
  `
  -- What of a message is for programs: a JSON object.
  ALTER TABLE outgoing ADD COLUMN data TEXT;
  ALTER TABLE incoming ADD COLUMN data TEXT;
  `,
  `
  -- Of each run of each peer: the highest count in the ids of what came. An index of all ids would cost every message
  -- as much as the message itself.
  CREATE TABLE heard (peer INTEGER NOT NULL, run TEXT NOT NULL, count TEXT NOT NULL, PRIMARY KEY (peer, run)) WITHOUT ROWID;
  INSERT INTO heard
    SELECT peer, run, count FROM (
      SELECT peer, run, count, row_number() OVER (PARTITION BY peer, run ORDER BY length(count) DESC, count DESC) AS rank
      FROM (
        SELECT peer, iif(instr(id, '.') = 0, id, substr(id, 1, instr(id, '.') - 1)) AS run,
          iif(instr(id, '.') = 0, '', substr(id, instr(id, '.') + 1)) AS count
        FROM incoming
      )
    ) WHERE rank = 1;
  DROP INDEX incoming_id;
  `,
  `
  -- The same receipts in one tree: their numbers are given by the program, and each of them touches one page and not three.
  ALTER TABLE due RENAME TO due_before;
  CREATE TABLE due (
    peer INTEGER NOT NULL,
    k INTEGER NOT NULL,           -- grows over all peers while a process runs
    epoch TEXT NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    reason TEXT,                  -- why it failed; null: handled
    PRIMARY KEY (peer, k)
  ) WITHOUT ROWID;
  INSERT INTO due SELECT peer, k, epoch, first, last, reason FROM due_before;
  DROP TABLE due_before;
  `,
  `
  ALTER TABLE peer ADD COLUMN forgotten INTEGER NOT NULL DEFAULT 0; -- how many messages of the conversation are no longer kept
  `,
];
