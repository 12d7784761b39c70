import type {
  AcceptedRun,
  AttemptRecord,
  NewRun,
  Page,
  RunChange,
  RunQuery,
  RunRecord,
  RunSummary,
  StepRecord,
} from "../../repositories.ts";
import type { AttemptStatus, RunError, RunStatus, StepKind } from "../../run.ts";
import type { Database, Row, Statement } from "./driver.ts";
import { type Column, listPage } from "./page.ts";

const SUMMARY = `
  r.seq, r.id, r.workflow_name, r.replay, r.status, r.waiting_for, r.due_at, r.error, r.created_at, r.ended_at,
  e.id AS event_id`;

/** The fence of a run's first attempt. */
export const FIRST_FENCE = 1;

/** The table of runs, as people and senders see it; `claims.ts` has what the runner does to it. */
export class SqliteRuns {
  readonly #db: Database;
  readonly #insert: Statement;
  readonly #ofEvent: Statement;
  readonly #ofReplay: Statement;
  readonly #unfinished: Statement;
  readonly #nextReplay: Statement;
  readonly #whole: Statement;
  readonly #attempts: Statement;
  readonly #steps: Statement;
  readonly #status: Statement;
  readonly #cancel: Statement;
  readonly #retry: Statement;
  readonly #erase: Statement;
  readonly #deleteAttempts: Statement;
  readonly #deleteSteps: Statement;

  constructor(db: Database) {
    this.#db = db;
    this.#insert = db.prepare(`
      INSERT INTO runs
        (id, event_seq, workflow_name, replay, status, fence, owner, error, created_at, ended_at, attempt_status,
         attempt_file_hash, attempt_started_at)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`);
    this.#ofEvent = db.prepare("SELECT id, workflow_name, status FROM runs WHERE event_seq = ? ORDER BY seq");
    this.#ofReplay = db.prepare(
      "SELECT id, workflow_name, status FROM runs WHERE event_seq = ? AND replay = ? ORDER BY seq",
    );
    this.#unfinished = db.prepare(
      "SELECT 1 AS found FROM runs WHERE event_seq = ? AND status IN ('queued', 'running') LIMIT 1",
    );
    this.#nextReplay = db.prepare(
      "SELECT coalesce(max(replay), 0) + 1 AS replay FROM replays WHERE event_seq = ?",
    );
    this.#whole = db.prepare(`
      SELECT ${SUMMARY}, r.result, e.provider, e.body, e.content_type FROM runs r JOIN webhook_events e ON e.seq = r.event_seq WHERE r.id = ?`);
    // The latest attempt has the highest fence.
    this.#attempts = db.prepare(`
      SELECT fence, status, started_at, ended_at, error FROM attempts WHERE run_seq = ?
      UNION ALL
      SELECT fence, attempt_status, attempt_started_at, attempt_ended_at, attempt_error FROM runs
      WHERE seq = ? AND attempt_status IS NOT NULL
      ORDER BY fence`);
    this.#steps = db.prepare(
      "SELECT name, kind, result, due_at, ended_at FROM steps WHERE run_seq = ? ORDER BY stored_order",
    );
    this.#status = db.prepare(`
      SELECT r.status, e.erased_at FROM runs r JOIN webhook_events e ON e.seq = r.event_seq WHERE r.id = ?`);
    this.#cancel = db.prepare(`
      UPDATE runs
      SET status = 'cancelled', ended_at = ?, owner = NULL, due_at = NULL, waiting_for = NULL, is_held = 0,
          due_after_hold = NULL,
          attempt_ended_at = CASE attempt_status WHEN 'running' THEN ? ELSE attempt_ended_at END,
          attempt_status = CASE attempt_status WHEN 'running' THEN 'cancelled' ELSE attempt_status END
      WHERE id = ? AND status IN ('queued', 'running')`);
    // While the last attempt has not said that nothing of it runs any more, the run is held, so that two attempts of it
    // do not run side by side.
    this.#retry = db.prepare(`
      UPDATE runs
      SET status = 'queued', ended_at = NULL, result = NULL, error = NULL, failures = 0, losses = 0,
          is_held = attempt_status IS NOT NULL AND attempt_settled_at IS NULL,
          due_at = iif(attempt_status IS NOT NULL AND attempt_settled_at IS NULL, ?, NULL),
          waiting_for = iif(attempt_status IS NOT NULL AND attempt_settled_at IS NULL, 'retry', NULL),
          due_after_hold = NULL
      WHERE id = ? AND status IN ('failed', 'cancelled')`);
    this.#erase = db.prepare(`
      UPDATE runs
      SET result = NULL, error = NULL, attempt_status = NULL, attempt_error = NULL, attempt_file_hash = NULL,
          attempt_started_at = NULL, attempt_ended_at = NULL, attempt_settled_at = NULL
      WHERE event_seq = ?`);
    const ofEvent = "run_seq IN (SELECT seq FROM runs WHERE event_seq = ?)";
    this.#deleteAttempts = db.prepare(`DELETE FROM attempts WHERE ${ofEvent}`);
    this.#deleteSteps = db.prepare(`DELETE FROM steps WHERE ${ofEvent}`);
  }

  /** Stores a run of a new event or replay; one whose inputs were refused is stored as failed. */
  insert(run: NewRun, eventSeq: number, replay: number, now: number): AcceptedRun {
    const { id, workflowName, error, claim } = run;
    const status: RunStatus = error !== null ? "failed" : claim === null ? "queued" : "running";
    const isBegun = status === "running";
    this.#insert.run(
      id,
      eventSeq,
      workflowName,
      replay,
      status,
      isBegun ? FIRST_FENCE : 0,
      isBegun ? (claim?.process.id ?? null) : null,
      error === null ? null : JSON.stringify(error),
      now,
      error === null ? null : now,
      isBegun ? "running" : null,
      isBegun ? (claim?.fileHash ?? null) : null,
      isBegun ? now : null,
    );
    return { runId: id, workflowName, status };
  }

  /** An event's runs in the order they were made: those of one replay, or all. */
  acceptedOf(eventSeq: number, replay: number | null): readonly AcceptedRun[] {
    const rows = replay === null ? this.#ofEvent.all(eventSeq) : this.#ofReplay.all(eventSeq, replay);
    return (rows as Row[]).map((row) => ({
      runId: String(row.id),
      workflowName: String(row.workflow_name),
      status: row.status as RunStatus,
    }));
  }

  hasUnfinished(eventSeq: number): boolean {
    return this.#unfinished.get(eventSeq) !== undefined;
  }

  nextReplay(eventSeq: number): number {
    return Number((this.#nextReplay.get(eventSeq) as Row).replay);
  }

  eraseOf(eventSeq: number): void {
    this.#deleteSteps.run(eventSeq);
    this.#deleteAttempts.run(eventSeq);
    this.#erase.run(eventSeq);
  }

  cancel(runId: string, now: number): RunChange | null {
    return this.#change(runId, () => Number(this.#cancel.run(now, now, runId).changes) === 1);
  }

  retry(runId: string, heldUntil: number): RunChange | null {
    const run = this.#status.get(runId) as Row | undefined;
    if (run !== undefined && run.erased_at !== null) {
      return { hasChanged: false, previous: run.status as RunStatus, isErased: true };
    }
    return this.#change(runId, () => Number(this.#retry.run(heldUntil, runId).changes) === 1);
  }

  get(runId: string): RunRecord | null {
    const row = this.#whole.get(runId) as Row | undefined;
    if (row === undefined) return null;
    const seq = Number(row.seq);
    return {
      ...toSummary(row),
      provider: String(row.provider),
      eventBody: row.body as Uint8Array | null,
      eventContentType: String(row.content_type ?? ""),
      result: row.result as string | null,
      attempts: (this.#attempts.all(seq, seq) as Row[]).map(toAttempt),
      steps: (this.#steps.all(seq) as Row[]).map(toStep),
    };
  }

  list(query: RunQuery): Page<RunSummary> {
    const columns: Column[] = [
      // The plus keeps SQLite from walking all runs of the workflow where those of one event are asked for.
      [query.eventId === null ? "r.workflow_name = ?" : "+r.workflow_name = ?", query.workflowName],
      ["e.id = ?", query.eventId],
      ["r.created_at >= ?", query.since],
      ["r.created_at < ?", query.until],
    ];
    // The status stands in the text and not in a parameter, or SQLite could not use the partial indexes.
    const status = query.status === null ? "" : ` AND r.status = '${query.status}'`;
    const base = `SELECT ${SUMMARY} FROM runs r JOIN webhook_events e ON e.seq = r.event_seq WHERE 1${status}`;
    return listPage(this.#db, "runs", base, "r", columns, query, toSummary);
  }

  #change(runId: string, change: () => boolean): RunChange | null {
    const before = this.#status.get(runId) as Row | undefined;
    if (before === undefined) return null;
    return { hasChanged: change(), previous: before.status as RunStatus, isErased: false };
  }
}

/** A steps row as a record. */
export function toStep(row: Row): StepRecord {
  return {
    name: String(row.name),
    kind: row.kind as StepKind,
    result: row.result as string | null,
    dueAt: row.due_at as number | null,
    endedAt: row.ended_at as number | null,
  };
}

function toAttempt(row: Row): AttemptRecord {
  return {
    fence: Number(row.fence),
    status: row.status as AttemptStatus,
    startedAt: Number(row.started_at),
    endedAt: row.ended_at as number | null,
    error: toError(row.error),
  };
}

function toSummary(row: Row): RunSummary & { id: string } {
  return {
    id: String(row.id),
    runId: String(row.id),
    eventId: String(row.event_id),
    workflowName: String(row.workflow_name),
    replay: Number(row.replay),
    status: row.status as RunStatus,
    waitingFor: row.waiting_for as "retry" | "sleep" | null,
    dueAt: row.due_at as number | null,
    error: toError(row.error),
    createdAt: Number(row.created_at),
    endedAt: row.ended_at as number | null,
  };
}

function toError(text: Row[string] | undefined): RunError | null {
  return typeof text === "string" ? (JSON.parse(text) as RunError) : null;
}
