import { WebhookError } from "../../errors.ts";
import type { Page, PageQuery } from "../../repositories.ts";
import type { Database, Row, SqlValue } from "./driver.ts";

/** A condition with its value or values; left out where the value is null. */
export type Column = readonly [condition: string, value: SqlValue | readonly SqlValue[]];

/**
 * One page of a table, newest first. The cursor is the last item's opaque id, so that a page starts where the last one
 * ended whatever arrived in between, and row numbers never leave.
 *
 * @param base the SELECT with a WHERE
 * @param alias the table's name in it
 * @throws {WebhookError} `cursor_unknown`
 */
export function listPage<T extends { id: string }>(
  db: Database,
  table: "webhook_events" | "runs",
  base: string,
  alias: string,
  columns: readonly Column[],
  query: PageQuery,
  toItem: (row: Row) => T,
): Page<T> {
  const given = columns.filter(([, value]) => value !== null);
  const conditions = given.map(([condition]) => ` AND ${condition}`);
  const values = given.flatMap(([, value]) => value as SqlValue | SqlValue[]);
  if (query.cursor !== null) {
    conditions.push(` AND ${alias}.seq < ?`);
    values.push(seqOf(db, table, query.cursor));
  }
  // One row more than asked for tells whether there is another page.
  const sql = `${base}${conditions.join("")} ORDER BY ${alias}.seq DESC LIMIT ?`;
  const rows = db.prepare(sql).all(...values, query.limit + 1) as Row[];
  const items = rows.slice(0, query.limit).map(toItem);
  return { items, nextCursor: rows.length > query.limit ? (items.at(-1)?.id ?? null) : null };
}

function seqOf(db: Database, table: string, cursor: string): SqlValue {
  const row = db.prepare(`SELECT seq FROM ${table} WHERE id = ?`).get(cursor) as Row | undefined;
  if (row?.seq !== undefined) return row.seq;
  throw new WebhookError(
    "cursor_unknown",
    "Cannot go on from this cursor: give next_cursor as the last page had it",
    {
      faults: [{ pointer: "/cursor", detail: "leads nowhere; start again without it" }],
    },
  );
}
