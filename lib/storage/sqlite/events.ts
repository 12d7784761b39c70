import type { IdSource } from "../../event.ts";
import type { EventQuery, EventRecord, EventSummary, NewEvent, Page } from "../../repositories.ts";
import type { Database, Row, Statement } from "./driver.ts";
import type { SqliteGuards } from "./guards.ts";
import { type IdHash, isBound } from "./id-hash.ts";
import type { IdIndex } from "./id-index.ts";
import { type Column, listPage } from "./page.ts";
import type { SqliteRuns } from "./runs.ts";

const SUMMARY = `
  e.seq, e.id, e.provider, e.id_source, e.webhook_id, e.type, e.accepted_at, e.erased_at, e.content_type, e.notes`;

/** A stored event as accepting and replaying need it: its row number stays inside the storage. */
export interface KnownEvent {
  seq: number;
  id: string;
  webhookId: string | null;
  bodyHash: Uint8Array | null;
  erasedAt: number | null;
}

/** The table of events and marks. Every method is called inside a transaction or reads one row set. */
export class SqliteEvents {
  readonly #db: Database;
  readonly #runs: SqliteRuns;
  readonly #idHash: IdHash;
  readonly #idIndex: IdIndex;
  readonly #guards: SqliteGuards;
  readonly #insert: Statement;
  readonly #byIdKey: Statement;
  readonly #byId: Statement;
  readonly #bySeq: Statement;
  readonly #whole: Statement;
  readonly #erase: Statement;
  readonly #delete: Statement;

  constructor(db: Database, runs: SqliteRuns, idHash: IdHash, idIndex: IdIndex, guards: SqliteGuards) {
    this.#db = db;
    this.#idHash = idHash;
    this.#idIndex = idIndex;
    this.#guards = guards;
    this.#runs = runs;
    // The conflict target is named, because INSERT OR IGNORE would swallow NULL and CHECK faults too; it is the event's
    // own id, so that an accept can be repeated.
    this.#insert = db.prepare(`
      INSERT INTO webhook_events
        (id, provider, id_source, webhook_id, id_key, bound_id, body_hash, type, content_type, headers, body, notes,
         accepted_at)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
      ON CONFLICT (id) DO NOTHING`);
    const known = "SELECT seq, id, webhook_id, body_hash, erased_at FROM webhook_events";
    this.#byIdKey = db.prepare(`${known} WHERE seq = ? AND id_key = ?`);
    this.#bySeq = db.prepare(`${known} WHERE seq = ?`);
    this.#byId = db.prepare(`${known} WHERE id = ? AND id_source IS NOT 'mark'`);
    this.#whole = db.prepare(
      `SELECT ${SUMMARY}, e.headers, e.body FROM webhook_events e WHERE id = ? AND id_source IS NOT 'mark'`,
    );
    this.#erase = db.prepare(`
      UPDATE webhook_events
      SET body = NULL, headers = NULL, content_type = NULL, type = NULL, notes = NULL, erased_at = ?
      WHERE seq = ? AND erased_at IS NULL`);
    this.#delete = db.prepare("DELETE FROM webhook_events WHERE seq = ?");
  }

  /** Stores the event, whose id key and guard key nobody has. @returns its row's number; null where it is stored already */
  insert(event: NewEvent, idHash: number | null): number | null {
    const { idKey } = event;
    const result = this.#insert.run(
      event.id,
      event.provider,
      event.idSource,
      event.webhookId,
      idKey,
      idKey !== null && isBound(idKey) ? event.webhookId : null,
      event.bodyHash,
      event.type,
      event.contentType,
      JSON.stringify(event.headers),
      event.body,
      JSON.stringify(event.notes),
      event.acceptedAt,
    );
    if (Number(result.changes) === 0) return null;
    const seq = Number(result.lastInsertRowid);
    if (idHash !== null) this.#idIndex.add(idHash, seq);
    if (event.guardKey !== null) this.#guards.add(seq, event.guardKey);
    return seq;
  }

  /** Of an id key, for the two that follow. */
  hashOf(idKey: string): number {
    return this.#idHash.ofKey(idKey);
  }

  /**
   * The event, or mark, that has the id key. Of two racing copies the first is decided here: nobody else writes between
   * this look and the insert, because the transaction began IMMEDIATE.
   */
  findByIdKey(idHash: number, idKey: string): KnownEvent | null {
    for (const seq of this.#idIndex.find(idHash)) {
      const row = this.#byIdKey.get(seq, idKey) as Row | undefined;
      if (row !== undefined) return toKnownEvent(row);
    }
    return null;
  }

  /** The event that the value of a guard has counted for. */
  findByGuard(guardKey: string): KnownEvent | null {
    const seq = this.#guards.find(guardKey);
    return seq === null ? null : toKnownEvent(this.#bySeq.get(seq) as Row | undefined);
  }

  /** The event came again under this value, which is new. */
  addGuard(seq: number, guardKey: string): void {
    this.#guards.add(seq, guardKey);
  }

  /** The id, which was found under this hash, is free again, and so are the values of its guards. */
  delete(seq: number, idKey: string | null): void {
    this.#guards.forget(seq);
    this.#delete.run(seq);
    if (idKey !== null) this.#idIndex.remove(this.#idHash.ofKey(idKey), seq);
  }

  findById(eventId: string): KnownEvent | null {
    return toKnownEvent(this.#byId.get(eventId) as Row | undefined);
  }

  /** Forgets what was sent and keeps that it was: id, body hash and times stay. */
  erase(seq: number, now: number): void {
    this.#erase.run(now, seq);
    this.#runs.eraseOf(seq);
  }

  get(eventId: string): EventRecord | null {
    const row = this.#whole.get(eventId) as Row | undefined;
    if (row === undefined) return null;
    const headers = JSON.parse(String(row.headers ?? "{}")) as Record<string, string>;
    return { ...this.#toSummary(row), headers, body: row.body as Uint8Array | null };
  }

  list(query: EventQuery): Page<EventSummary> {
    const columns: Column[] = [
      ["e.provider = ?", query.provider],
      this.#withId(query.webhookId),
      ["e.accepted_at >= ?", query.since],
      ["e.accepted_at < ?", query.until],
    ];
    const base = `SELECT ${SUMMARY} FROM webhook_events e WHERE e.id_source IS NOT 'mark'`;
    return listPage(this.#db, "webhook_events", base, "e", columns, query, (row) => this.#toSummary(row));
  }

  #withId(webhookId: string | null): Column {
    if (webhookId === null) return ["", null];
    return [
      `e.seq IN (SELECT value FROM json_each(?) UNION ALL SELECT seq FROM webhook_events WHERE bound_id = ?)
       AND e.webhook_id = ?`,
      [JSON.stringify(this.#idIndex.find(this.#idHash.ofId(webhookId))), webhookId, webhookId],
    ];
  }

  #toSummary(row: Row): EventSummary & { id: string } {
    return {
      id: String(row.id),
      eventId: String(row.id),
      provider: String(row.provider),
      webhookId: row.webhook_id as string | null,
      idSource: row.id_source as IdSource | null,
      type: row.type as string | null,
      acceptedAt: Number(row.accepted_at),
      erasedAt: row.erased_at as number | null,
      contentType: String(row.content_type ?? ""),
      notes: JSON.parse(String(row.notes ?? "[]")) as string[],
      runs: this.#runs.acceptedOf(Number(row.seq), null),
    };
  }
}

function toKnownEvent(row: Row | undefined): KnownEvent | null {
  if (row === undefined) return null;
  return {
    seq: Number(row.seq),
    id: String(row.id),
    webhookId: row.webhook_id as string | null,
    bodyHash: row.body_hash as Uint8Array | null,
    erasedAt: row.erased_at as number | null,
  };
}
