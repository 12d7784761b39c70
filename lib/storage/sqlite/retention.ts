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
  readonly #oldMarks: Statement;

  constructor(db: Database, events: SqliteEvents) {
    this.#events = events;
    this.#toErase = db.prepare(`
      SELECT e.seq, e.id_key FROM webhook_events e
      WHERE e.erased_at IS NULL AND e.id_source IS NOT 'mark' AND ${AT_REST_SINCE}
      ORDER BY e.accepted_at LIMIT ?`);
    this.#toDelete = db.prepare(`
      SELECT e.seq, e.id_key FROM webhook_events e
      WHERE e.erased_at IS NOT NULL AND ${AT_REST_SINCE}
      ORDER BY e.accepted_at LIMIT ?`);
    this.#oldMarks = db.prepare(`
      SELECT seq, id_key FROM webhook_events
      WHERE erased_at IS NULL AND id_source = 'mark' AND accepted_at < ? ORDER BY accepted_at LIMIT ?`);
  }

  /** @returns how many events it erased or deleted, and marks it deleted; below `limit` when it is through */
  cleanup({ now, eraseBefore, deleteBefore, marksBefore, limit }: CleanupCommand): number {
    const toErase = this.#toErase.all(eraseBefore, eraseBefore, limit) as Row[];
    for (const { seq } of toErase) this.#events.erase(Number(seq), now);
    const toDelete = this.#toDelete.all(deleteBefore, deleteBefore, limit - toErase.length) as Row[];
    const left = limit - toErase.length - toDelete.length;
    const oldMarks = left === 0 ? [] : (this.#oldMarks.all(marksBefore, left) as Row[]);
    for (const { seq, id_key: idKey } of [...toDelete, ...oldMarks]) {
      this.#events.delete(Number(seq), idKey as string | null);
    }
    return toErase.length + toDelete.length + oldMarks.length;
  }
}
