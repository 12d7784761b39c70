import type { PeerDatabase, PeerStatement } from "./peer-database.ts";

/** What a competent developer writes to store a delivery once: one transaction, fsynced before the answer. */
export class PeerStore {
  readonly #insertEvent: PeerStatement;
  readonly #insertRun: PeerStatement;
  readonly #store: (webhookId: string, workflow: string, body: Buffer) => number | null;

  constructor(db: PeerDatabase) {
    db.pragma("journal_mode = WAL");
    db.pragma("synchronous = FULL");
    db.exec(`
      CREATE TABLE IF NOT EXISTS events (
        id INTEGER PRIMARY KEY, webhook_id TEXT NOT NULL UNIQUE, body BLOB NOT NULL, accepted_at INTEGER NOT NULL
      );
      CREATE TABLE IF NOT EXISTS runs (
        id INTEGER PRIMARY KEY, event_id INTEGER NOT NULL REFERENCES events (id), workflow_name TEXT NOT NULL,
        status TEXT NOT NULL, created_at INTEGER NOT NULL
      );
      CREATE INDEX IF NOT EXISTS runs_queued ON runs (id) WHERE status = 'queued';`);
    this.#insertEvent = db.prepare(
      "INSERT INTO events (webhook_id, body, accepted_at) VALUES (?, ?, ?) ON CONFLICT (webhook_id) DO NOTHING",
    );
    this.#insertRun = db.prepare(
      "INSERT INTO runs (event_id, workflow_name, status, created_at) VALUES (?, ?, 'queued', ?)",
    );
    this.#store = db.transaction((webhookId: string, workflow: string, body: Buffer) => {
      const now = Date.now();
      const event = this.#insertEvent.run(webhookId, body, now);
      if (event.changes === 0) return null;
      return Number(this.#insertRun.run(event.lastInsertRowid, workflow, now).lastInsertRowid);
    });
  }

  /** @returns the run's id; null for a duplicate */
  store(webhookId: string, workflow: string, body: Buffer): number | null {
    return this.#store(webhookId, workflow, body);
  }
}
