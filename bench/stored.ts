/**
 * What the bench knows of the columns of Latchhook's database, all of it: filling a file, and counting what a load has
 * left in one. The schema itself is raised by the project's own code.
 */
import { createHash, randomBytes } from "node:crypto";
import { systemClock } from "../lib/clock.ts";
import { idKeyOf } from "../lib/event.ts";
import { newId } from "../lib/ids.ts";
import { type Database, loadDriver, type Row } from "../lib/storage/sqlite/driver.ts";
import { IdHash } from "../lib/storage/sqlite/id-hash.ts";
import { openDatabase } from "../lib/storage/sqlite/open.ts";

/** What a load has left in a file, of the events that came since a moment. */
export interface StoredLoad {
  events: number;
  succeeded: number;
  /** Those that had succeeded by the end of the load. */
  succeededInLoad: number;
  /** When the last run ended, epoch milliseconds; null where none has. */
  lastEndedAt: number | null;
  /** From accepted to succeeded. */
  p50Ms: number | null;
  p99Ms: number | null;
}

/** Counts what came in at `since` or later; the load ended at `until`. Both are epoch milliseconds. */
export async function readLoad(file: string, since: number, until: number): Promise<StoredLoad> {
  const { db } = await openDatabase(`file:${file}`, systemClock);
  try {
    const events = db
      .prepare("SELECT count(*) AS n FROM webhook_events WHERE accepted_at >= ? AND erased_at IS NULL")
      .get(since);
    // CROSS keeps the events outside, or SQLite walks all runs of a full file.
    const ends = db
      .prepare(
        `SELECT r.ended_at, r.ended_at - e.accepted_at AS took
         FROM webhook_events e CROSS JOIN runs r ON r.event_seq = e.seq
         WHERE e.accepted_at >= ? AND e.erased_at IS NULL AND r.status = 'succeeded' ORDER BY took`,
      )
      .all(since) as Row[];
    const tookAt = (share: number): number | null => {
      const row = ends[Math.min(ends.length - 1, Math.floor(ends.length * share))];
      return row === undefined ? null : Number(row.took);
    };
    return {
      events: Number((events as Row).n),
      succeeded: ends.length,
      succeededInLoad: ends.filter((row) => Number(row.ended_at) <= until).length,
      lastEndedAt: ends.reduce<number | null>((last, row) => Math.max(last ?? 0, Number(row.ended_at)), null),
      p50Ms: tookAt(0.5),
      p99Ms: tookAt(0.99),
    };
  } finally {
    db.close();
  }
}

/** All events of a file, and runs that have succeeded. */
export async function countStored(file: string): Promise<{ events: number; succeeded: number }> {
  const { db } = await openDatabase(`file:${file}`, systemClock);
  try {
    const count = (sql: string): number => Number((db.prepare(sql).get() as Row).n);
    return {
      events: count("SELECT count(*) AS n FROM webhook_events"),
      succeeded: count("SELECT count(*) AS n FROM runs WHERE status = 'succeeded'"),
    };
  } finally {
    db.close();
  }
}

/**
 * True where no run waits or is under way, looked up beside the running server.
 *
 * @throws {Error} the server keeps the file to itself, as it does on versions of SQLite that can't share one safely
 */
export async function isIdleFile(file: string): Promise<boolean> {
  const db = (await loadDriver()).open(file);
  try {
    // Each has an index of the unfinished alone, so this costs nothing where millions have ended.
    const unfinished = [
      "status = 'queued' AND due_at IS NULL",
      "status = 'queued' AND due_at IS NOT NULL",
      "status = 'running'",
    ];
    return unfinished.every(
      (which) => db.prepare(`SELECT 1 FROM runs WHERE ${which} LIMIT 1`).get() === undefined,
    );
  } finally {
    db.close();
  }
}

const ROWS_PER_TRANSACTION = 100_000;
const DAY_MS = 86_400_000;
/** Events are kept for 30 days by default, so a full file's ages lie within them. */
const AGE_DAYS = 20;

/** Fills a file with events that were accepted over the last days, each with a run that succeeded. */
export async function seed(
  file: string,
  rows: number,
  onProgress: (done: number) => void = () => {},
): Promise<void> {
  const { db } = await openDatabase(`file:${file}`, systemClock);
  try {
    // A file that breaks off here is thrown away, so nothing has to be safe until the last line.
    for (const pragma of [
      "synchronous = OFF",
      "foreign_keys = OFF",
      "cache_size = -2000000",
      "wal_autocheckpoint = 100000",
    ])
      db.exec(`PRAGMA ${pragma}`);
    insertRows(db, rows, onProgress);
    db.exec("PRAGMA synchronous = FULL");
    db.prepare("PRAGMA wal_checkpoint(TRUNCATE)").get();
  } finally {
    db.close();
  }
}

function insertRows(db: Database, rows: number, onProgress: (done: number) => void): void {
  const insertEvent = db.prepare(`
    INSERT INTO webhook_events
      (seq, id, provider, id_source, webhook_id, id_key, body_hash, content_type, headers, body, notes, accepted_at)
    VALUES (?, ?, 'generic', 'body', ?, ?, ?, 'application/json', '{"content-type":"application/json"}', ?, '[]', ?)`);
  const insertRun = db.prepare(`
    INSERT INTO runs
      (seq, id, event_seq, workflow_name, replay, status, fence, result, created_at, ended_at, attempt_status,
       attempt_started_at, attempt_ended_at, attempt_settled_at)
    VALUES (?, ?, ?, 'noop', 0, 'succeeded', 1, '{"ok":true}', ?, ?, 'succeeded', ?, ?, ?)`);
  // Such ids were moved into the index long ago; in the order of their hashes that takes seconds and not minutes.
  db.exec("CREATE TEMP TABLE hashes (hash INTEGER NOT NULL, seq INTEGER NOT NULL)");
  const insertHash = db.prepare("INSERT INTO hashes (hash, seq) VALUES (?, ?)");
  const idHash = new IdHash(db);
  const from = Date.now() - AGE_DAYS * DAY_MS;
  for (let seq = 1; seq <= rows; ) {
    const last = Math.min(rows, seq + ROWS_PER_TRANSACTION - 1);
    db.exec("BEGIN");
    for (; seq <= last; seq++) {
      const webhookId = randomBytes(16).toString("hex");
      const body = Buffer.from(bodyOf(webhookId));
      const hash = createHash("sha256").update(body).digest();
      const at = from + Math.floor((seq / rows) * (AGE_DAYS - 1) * DAY_MS);
      const key = idKeyOf("generic", "body", webhookId);
      insertEvent.run(seq, newId("evt"), webhookId, key, hash, body, at);
      insertRun.run(seq, newId("run"), seq, at, at + 2, at + 1, at + 2, at + 2);
      insertHash.run(idHash.ofKey(key), seq);
    }
    db.exec("COMMIT");
    onProgress(last);
  }
  db.exec(`
    BEGIN;
    INSERT INTO id_hashes (hash, seq) SELECT hash, seq FROM hashes ORDER BY hash;
    INSERT INTO recent_ids (n, hash, seq) SELECT ${rows}, hash, seq FROM hashes WHERE seq = ${rows};
    UPDATE id_moves SET lot_end = ${rows - 1}, moved_to = (SELECT max(hash) FROM hashes);
    COMMIT`);
}

const PADDING = "x".repeat(300);

function bodyOf(webhookId: string): string {
  return `{"workflow_name":"noop","webhook_id":"${webhookId}","inputs":{"padding":"${PADDING}"}}`;
}
