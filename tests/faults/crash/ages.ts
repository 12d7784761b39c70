import { newId } from "../../../lib/ids.ts";
import { eventOf, runOf, type StoredFile } from "../../support/stored.ts";
import type { Ledger } from "./ledger.ts";
import type { Random } from "./random.ts";

/** Past `RETENTION_DAYS=1`, and past the default of `ID_RETENTION_DAYS`. */
const DAY_MS = 86_400_000;
const ERASE_AFTER_DAYS = 2;
const DELETE_AFTER_DAYS = 100;

/** Of the events that are erased already, so many are made old enough to be deleted. */
const DELETED_SHARE = 0.3;

/** Old events of others, so that a pass takes several lots of 200, however little was delivered so far. */
const BALLAST_EVENTS = 700;

/** An event that retention has to erase, or, where it is erased, to delete. */
export interface DueEvent {
  id: string;
  isErased: boolean;
}

/** The events that retention has to erase or delete by now, the first that it takes first. */
export function dueQuery(now: number): string {
  const before = `CASE WHEN e.erased_at IS NULL THEN ${now - DAY_MS} ELSE ${now - 90 * DAY_MS} END`;
  return `
    SELECT e.id, e.erased_at IS NOT NULL AS is_erased FROM webhook_events e
    WHERE e.accepted_at < ${before} AND NOT EXISTS (
      SELECT 1 FROM runs r
      WHERE r.event_seq = e.seq AND (r.status IN ('queued', 'running') OR r.ended_at >= ${before}))
    ORDER BY e.erased_at IS NOT NULL, e.accepted_at`;
}

/**
 * Makes what is stored old, as if the server had been off for days: everything that no person has still to mend, with
 * the events of unfinished runs among it, which must not be touched. Some that are erased become old enough to go.
 */
export async function age(file: StoredFile, ledger: Ledger, random: Random): Promise<void> {
  await addBallast(file, Date.now() - ERASE_AFTER_DAYS * DAY_MS);
  const db = file.connect();
  const erased = file.rows(`
    SELECT e.seq, e.webhook_id FROM webhook_events e WHERE e.erased_at IS NOT NULL
    AND NOT EXISTS (SELECT 1 FROM runs r WHERE r.event_seq = e.seq AND r.status IN ('queued', 'running'))`);
  const toDelete = erased.filter(({ webhook_id }) => {
    const entry = ledger.entries.get(String(webhook_id));
    if (entry === undefined) return true;
    // What its sender may still send again would be taken for new once its id is gone, and a person would not find it.
    const isDone = entry.answeredAt !== null && entry.copiesLeft <= 0 && !ledger.openCares.has(entry);
    const isPicked = random.chance(DELETED_SHARE);
    if (!isDone || !isPicked) return false;
    entry.isForgotten = true;
    return true;
  });
  const shift = (days: number, events: string): void => {
    const ms = days * DAY_MS;
    db.exec(`
      UPDATE runs SET ended_at = ended_at - ${ms}, created_at = created_at - ${ms} WHERE event_seq IN (${events});
      UPDATE webhook_events SET accepted_at = accepted_at - ${ms} WHERE seq IN (${events})`);
  };
  db.exec("BEGIN IMMEDIATE");
  shift(
    ERASE_AFTER_DAYS,
    `SELECT e.seq FROM webhook_events e WHERE e.erased_at IS NULL
     AND NOT EXISTS (SELECT 1 FROM runs r WHERE r.event_seq = e.seq AND r.status = 'failed')`,
  );
  shift(DELETE_AFTER_DAYS, toDelete.map(({ seq }) => String(seq)).join(","));
  db.exec("COMMIT");
  db.close();
}

async function addBallast(file: StoredFile, acceptedAt: number): Promise<void> {
  const storage = await file.open();
  const error = { code: "input_invalid", message: "Nobody delivered this" };
  await Promise.all(
    Array.from({ length: BALLAST_EVENTS }, (_, index) =>
      storage.accept(
        eventOf(`ballast-${acceptedAt}-${index}`, { acceptedAt, id: newId("evt") }),
        [runOf("journey", { id: newId("run"), error })],
        "conflict",
      ),
    ),
  );
  await storage.close();
}
