import type { Database, Row } from "./driver.ts";

/** Marks a file as Latchhook's ("LtHk"), so that another program's database is never touched. */
const APPLICATION_ID = 0x4c74486b;

/**
 * The schema, one entry a version: entry n raises a database from version n + 1 to n + 2. Entries are never edited, only
 * added. `seq` is the order of arrival and never leaves the storage; outside only the opaque `id` is known.
 */
const VERSIONS: readonly string[] = [
  `
  CREATE TABLE webhook_events (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    provider TEXT NOT NULL,
    id_source TEXT CHECK (id_source = 'body' OR id_source = 'scheme' OR id_source = 'header' OR id_source = 'trigger' OR id_source = 'mark'),
    webhook_id TEXT CHECK (webhook_id <> ''),
    id_key TEXT CHECK (id_key <> ''),
    bound_id TEXT,
    body_hash BLOB,
    type TEXT,
    content_type TEXT,
    headers TEXT,
    body BLOB,
    notes TEXT,
    accepted_at INTEGER NOT NULL,
    erased_at INTEGER
  );
  CREATE INDEX webhook_events_by_bound_id ON webhook_events (bound_id) WHERE bound_id IS NOT NULL;
  CREATE INDEX webhook_events_kept ON webhook_events (accepted_at) WHERE erased_at IS NULL;
  CREATE INDEX webhook_events_erased ON webhook_events (accepted_at) WHERE erased_at IS NOT NULL;

  CREATE TABLE recent_ids (n INTEGER PRIMARY KEY, hash INTEGER NOT NULL, seq INTEGER NOT NULL);
  CREATE TABLE id_hashes (hash INTEGER NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (hash, seq)) WITHOUT ROWID;
  CREATE TABLE id_moves (id INTEGER PRIMARY KEY CHECK (id = 1), lot_end INTEGER NOT NULL, moved_to INTEGER NOT NULL);
  INSERT INTO id_moves (id, lot_end, moved_to) VALUES (1, 0, 0);

  CREATE TABLE runs (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    event_seq INTEGER NOT NULL REFERENCES webhook_events (seq) ON DELETE CASCADE,
    workflow_name TEXT NOT NULL,
    replay INTEGER NOT NULL,
    status TEXT NOT NULL CHECK (status = 'running' OR status = 'succeeded' OR status = 'queued' OR status = 'failed' OR status = 'cancelled'),
    fence INTEGER NOT NULL DEFAULT 0,
    failures INTEGER NOT NULL DEFAULT 0,
    losses INTEGER NOT NULL DEFAULT 0,
    owner TEXT,
    waiting_for TEXT CHECK (waiting_for = 'retry' OR waiting_for = 'sleep'),
    due_at INTEGER,
    is_held INTEGER NOT NULL DEFAULT 0,
    due_after_hold INTEGER,
    result TEXT,
    error TEXT,
    created_at INTEGER NOT NULL,
    ended_at INTEGER,
    attempt_status TEXT,
    attempt_error TEXT,
    attempt_file_hash TEXT,
    attempt_started_at INTEGER,
    attempt_ended_at INTEGER,
    attempt_settled_at INTEGER,
    UNIQUE (event_seq, workflow_name, replay),
    CHECK ((owner IS NOT NULL) = (status = 'running')),
    CHECK ((ended_at IS NULL) = (status = 'running' OR status = 'queued'))
  );
  CREATE INDEX runs_ready ON runs (workflow_name, seq) WHERE status = 'queued' AND due_at IS NULL;
  CREATE INDEX runs_timed ON runs (workflow_name, due_at) WHERE status = 'queued' AND due_at IS NOT NULL;
  CREATE INDEX runs_owned ON runs (owner, workflow_name) WHERE owner IS NOT NULL;
  CREATE INDEX runs_by_workflow ON runs (workflow_name, seq);
  CREATE INDEX runs_failed ON runs (seq) WHERE status = 'failed';
  CREATE INDEX runs_cancelled ON runs (seq) WHERE status = 'cancelled';

  -- Attempts that another one followed. The latest stands in its run's row, so that most runs write one row and no more.
  CREATE TABLE attempts (
    run_seq INTEGER NOT NULL REFERENCES runs (seq) ON DELETE CASCADE,
    fence INTEGER NOT NULL,
    status TEXT NOT NULL,
    file_hash TEXT,
    error TEXT,
    started_at INTEGER NOT NULL,
    ended_at INTEGER,
    settled_at INTEGER,
    PRIMARY KEY (run_seq, fence)
  ) WITHOUT ROWID;

  CREATE TABLE steps (
    run_seq INTEGER NOT NULL REFERENCES runs (seq) ON DELETE CASCADE,
    name TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('step', 'sleep')),
    result TEXT,
    due_at INTEGER,
    ended_at INTEGER,
    stored_order INTEGER NOT NULL,
    PRIMARY KEY (run_seq, name)
  ) WITHOUT ROWID;

  CREATE TABLE replays (
    event_seq INTEGER NOT NULL REFERENCES webhook_events (seq) ON DELETE CASCADE,
    replay INTEGER NOT NULL,
    idempotency_key TEXT,
    PRIMARY KEY (event_seq, replay),
    UNIQUE (event_seq, idempotency_key)
  ) WITHOUT ROWID;

  CREATE TABLE processes (
    id TEXT PRIMARY KEY,
    host TEXT NOT NULL,
    boot_id TEXT,
    pid_namespace TEXT,
    pid INTEGER NOT NULL,
    beats INTEGER NOT NULL
  ) WITHOUT ROWID;

  CREATE TABLE keys (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
  INSERT INTO keys (name, value) VALUES ('id_hash', randomblob(16));

  CREATE TABLE probes (id INTEGER PRIMARY KEY CHECK (id = 1), writes INTEGER NOT NULL);
  `,
  `
  -- Values that count for one event only. An event that came again under another one has several.
  CREATE TABLE guards (
    event_seq INTEGER NOT NULL REFERENCES webhook_events (seq) ON DELETE CASCADE,
    guard_key TEXT NOT NULL CHECK (guard_key <> ''),
    PRIMARY KEY (event_seq, guard_key)
  ) WITHOUT ROWID;
  `,
];

/** What builds before the first release wrote, up to this version; there is no way from it to any of ours. */
const BEFORE_RELEASE = 2;

/** The version that this code reads and writes. */
export const SCHEMA_VERSION: number = BEFORE_RELEASE + VERSIONS.length;

/**
 * The schema's version, 0 for a new file. Writes nothing.
 *
 * @throws {Error} a database of another program, or of a newer version
 */
export function checkSchema(db: Database, url: string): number {
  // One transaction, one moment: else another process that raises the new file between two of the reads would be taken
  // for another program.
  db.prepare("BEGIN").run();
  try {
    return checkedVersion(db, url);
  } finally {
    db.prepare("ROLLBACK").run();
  }
}

/**
 * Raises the schema to this code's version, inside one transaction that the caller has begun with BEGIN IMMEDIATE, so
 * that of two processes that start together one raises and the other sees it done.
 *
 * @throws {Error} a database of another program, or of a newer version
 */
export function raiseSchema(db: Database, url: string): void {
  const version = checkedVersion(db, url);
  for (const sql of VERSIONS.slice(Math.max(0, version - BEFORE_RELEASE))) db.exec(sql);
  if (version === SCHEMA_VERSION) return;
  db.exec(`PRAGMA application_id = ${APPLICATION_ID}`);
  db.exec(`PRAGMA user_version = ${SCHEMA_VERSION}`);
}

function checkedVersion(db: Database, url: string): number {
  const version = readPragma(db, "user_version");
  const applicationId = readPragma(db, "application_id");
  const tables = db.prepare("SELECT count(*) AS tables FROM sqlite_schema").get() as Row;
  const isNew = applicationId === 0 && version === 0 && Number(tables.tables) === 0;
  if (applicationId !== APPLICATION_ID && !isNew) {
    throw new Error(
      `Cannot use database ${url}: it belongs to another program; name another file in DATABASE_URL`,
    );
  }
  if (version > 0 && version <= BEFORE_RELEASE) {
    throw new Error(
      `Cannot use database ${url}: a build before the first release made it; move it away and start with a new one`,
    );
  }
  if (version > SCHEMA_VERSION) {
    throw new Error(
      `Cannot use database ${url}: it has schema version ${version}, and this Latchhook knows ${SCHEMA_VERSION} at most; run the newer Latchhook that made it`,
    );
  }
  return version;
}

/** A pragma that gives one number. */
export function readPragma(db: Database, name: string): number {
  const row = db.prepare(`PRAGMA ${name}`).get() as Row;
  return Number(Object.values(row)[0]);
}
