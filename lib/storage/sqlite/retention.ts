import type { CleanupCommand } from "../../repositories.ts";
import type { Database, Row, Statement } from "./driver.ts";
import type { SqliteEvents } from "./events.ts";

/** An event is as old as its acceptance or the end of its last run, and has no age while one is unfinished. */
const AT_REST_SINCE = `
  e.accepted_at < ?
  AND NOT EXISTS (SELECT 1 FROM runs r
                  WHERE r.event_seq = e.seq AND (r.status IN ('queued', 'running') OR r.ended_at >= ?))`;

/** What retention erases and deletes. Called inside a transaction, a small batch at a time. */
export class SqliteRetention {
  readonly #events: SqliteEvents;
  readonly #toErase: Statement;
  readonly #toDelete: Statement;
  readonly #delete: Statement;
  readonly #deleteMarks: Statement;

  constructor(db: Database, events: SqliteEvents) {
    this.#events = events;
    this.#toErase = db.prepare(`
      SELECT e.seq FROM webhook_events e
      WHERE e.erased_at IS NULL AND e.id_source IS NOT 'mark' AND ${AT_REST_SINCE}
      ORDER BY e.accepted_at LIMIT ?`);
    this.#toDelete = db.prepare(`
      SELECT e.seq FROM webhook_events e
      WHERE e.erased_at IS NOT NULL AND ${AT_REST_SINCE}
      ORDER BY e.accepted_at LIMIT ?`);
    this.#delete = db.prepare("DELETE FROM webhook_events WHERE seq = ?");
    this.#deleteMarks = db.prepare(`
      DELETE FROM webhook_events WHERE seq IN (
        SELECT seq FROM webhook_events
        WHERE erased_at IS NULL AND id_source = 'mark' AND accepted_at < ? ORDER BY accepted_at LIMIT ?)`);
  }

  /** @returns how many events it erased or deleted, and marks it deleted; below `limit` when it is through */
  cleanup({ now, eraseBefore, deleteBefore, marksBefore, limit }: CleanupCommand): number {
    let changed = 0;
    for (const seq of this.#seqs(this.#toErase, eraseBefore, limit)) {
      this.#events.erase(seq, now);
      changed++;
    }
    for (const seq of this.#seqs(this.#toDelete, deleteBefore, limit - changed)) {
      this.#delete.run(seq);
      changed++;
    }
    if (changed === limit) return changed;
    return changed + Number(this.#deleteMarks.run(marksBefore, limit - changed).changes);
  }

  #seqs(select: Statement, before: number, limit: number): number[] {
    return (select.all(before, before, limit) as Row[]).map((row) => Number(row.seq));
  }
}
