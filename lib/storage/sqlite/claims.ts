import type {
  AttemptEnd,
  AttemptKey,
  BuryCommand,
  ClaimableWorkflow,
  ClaimCommand,
  ClaimedRun,
  ClaimOutcome,
  NewStep,
  OwnedRun,
  ProcessIdentity,
  ProcessRecord,
} from "../../repositories.ts";
import type { Database, Row, Statement } from "./driver.ts";
import { FIRST_FENCE, toStep } from "./runs.ts";

/** Times are milliseconds since 1970. */
const BEFORE_ANY = -1;

/**
 * What the runner does to runs: claim, beat, store, end, free. Every write of an attempt names its fence in its own
 * statement; no row changed means that the run is no longer the attempt's.
 */
export class SqliteClaims {
  readonly #timed: Statement;
  readonly #ready: Statement;
  readonly #countReady: Statement;
  readonly #earliest: Statement;
  readonly #claim: Statement;
  readonly #running: Statement;
  readonly #keepAttempt: Statement;
  readonly #claimed: Statement;
  readonly #steps: Statement;
  readonly #register: Statement;
  readonly #beat: Statement;
  readonly #owned: Statement;
  readonly #insertStep: Statement;
  readonly #hasStep: Statement;
  readonly #resetLosses: Statement;
  readonly #end: Statement;
  readonly #hasEnded: Statement;
  readonly #settle: Statement;
  readonly #settleEarlier: Statement;
  readonly #unhold: Statement;
  readonly #owners: Statement;
  readonly #buryProcess: Statement;
  readonly #hasProcess: Statement;
  readonly #free: Statement;
  readonly #leave: Statement;
  #beatenIn = -1;
  #beatenBy = "";
  /** How many beats were sent from here, stored or not. */
  #beatsSent = 0;

  constructor(db: Database) {
    this.#timed = db.prepare(`
      SELECT seq, fence FROM runs
      WHERE status = 'queued' AND workflow_name = ? AND due_at IS NOT NULL AND due_at <= ?
      ORDER BY due_at LIMIT ?`);
    // The index is named, because SQLite would rather walk all runs that the workflow ever had, also the finished ones.
    this.#ready = db.prepare(`
      SELECT seq, fence FROM runs INDEXED BY runs_ready
      WHERE status = 'queued' AND workflow_name = ? AND due_at IS NULL ORDER BY seq LIMIT ?`);
    this.#countReady = db.prepare(`
      SELECT count(*) AS ready FROM (
        SELECT 1 FROM runs INDEXED BY runs_ready
        WHERE status = 'queued' AND workflow_name = ? AND due_at IS NULL LIMIT ?)`);
    this.#earliest = db.prepare(`
      SELECT min(due_at) AS due_at FROM runs
      WHERE status = 'queued' AND workflow_name = ? AND due_at IS NOT NULL AND due_at > ?`);
    // A workflow's limit holds over all processes because its running rows are counted in the transaction that takes
    // more. There are never many rows with an owner.
    this.#running = db.prepare(
      "SELECT count(*) AS running FROM runs INDEXED BY runs_owned WHERE owner > '' AND workflow_name = ?",
    );
    this.#keepAttempt = db.prepare(`
      INSERT INTO attempts (run_seq, fence, status, error, file_hash, started_at, ended_at, settled_at)
      SELECT seq, fence, attempt_status, attempt_error, attempt_file_hash, attempt_started_at, attempt_ended_at,
             attempt_settled_at
      FROM runs WHERE seq = ?`);
    this.#claim = db.prepare(`
      UPDATE runs
      SET status = 'running', fence = fence + 1, owner = ?, waiting_for = NULL, due_at = NULL, is_held = 0,
          due_after_hold = NULL, attempt_status = 'running', attempt_error = NULL, attempt_file_hash = ?,
          attempt_started_at = ?, attempt_ended_at = NULL, attempt_settled_at = NULL
      WHERE seq = ? AND status = 'queued'`);
    this.#claimed = db.prepare(`
      SELECT r.id AS run_id, r.fence, r.workflow_name, r.failures, e.id, e.provider, e.webhook_id, e.type,
             e.headers, e.content_type, e.body, e.accepted_at
      FROM runs r JOIN webhook_events e ON e.seq = r.event_seq WHERE r.seq = ?`);
    this.#steps = db.prepare("SELECT name, kind, result, due_at, ended_at FROM steps WHERE run_seq = ?");
    // A process that was buried and comes back counts on: with a count that it had before, whoever saw it stand still
    // then would bury it again.
    this.#register = db.prepare(`
      INSERT INTO processes (id, host, boot_id, pid_namespace, pid, beats) VALUES (?, ?, ?, ?, ?, ?)
      ON CONFLICT (id) DO UPDATE SET beats = beats + 1`);
    this.#beat = db.prepare("UPDATE processes SET beats = beats + 1 WHERE id = ?");
    this.#owned = db.prepare("SELECT id, fence, workflow_name, losses FROM runs WHERE owner = ?");
    this.#insertStep = db.prepare(`
      INSERT INTO steps (run_seq, name, kind, result, due_at, ended_at, stored_order)
      SELECT r.seq, ?, ?, ?, ?, ?, (SELECT count(*) FROM steps WHERE run_seq = r.seq)
      FROM runs r WHERE r.id = ? AND r.fence = ? AND r.status = 'running'
      ON CONFLICT (run_seq, name) DO NOTHING`);
    this.#hasStep = db.prepare(`
      SELECT 1 AS found FROM runs r JOIN steps s ON s.run_seq = r.seq
      WHERE r.id = ? AND r.fence = ? AND r.status = 'running' AND s.name = ?`);
    this.#resetLosses = db.prepare(
      "UPDATE runs SET losses = 0 WHERE id = ? AND fence = ? AND status = 'running' AND losses > 0",
    );
    this.#end = db.prepare(`
      UPDATE runs
      SET status = ?, owner = NULL, result = ?, error = ?, ended_at = ?, waiting_for = ?, due_at = ?, is_held = ?,
          due_after_hold = ?, failures = failures + ?, losses = CASE WHEN ? THEN losses ELSE 0 END,
          attempt_status = ?, attempt_error = ?, attempt_ended_at = ?, attempt_settled_at = ?
      WHERE id = ? AND fence = ? AND status = 'running'`);
    this.#hasEnded = db.prepare(`
      SELECT 1 AS found FROM runs WHERE id = ? AND fence = ? AND attempt_status = ? AND attempt_ended_at = ?
      UNION ALL
      SELECT 1 FROM attempts
      WHERE run_seq = (SELECT seq FROM runs WHERE id = ?) AND fence = ? AND status = ? AND ended_at = ?`);
    this.#settle = db.prepare(
      "UPDATE runs SET attempt_settled_at = ? WHERE id = ? AND fence = ? AND attempt_settled_at IS NULL",
    );
    this.#settleEarlier = db.prepare(`
      UPDATE attempts SET settled_at = ?
      WHERE run_seq = (SELECT seq FROM runs WHERE id = ?) AND fence = ? AND settled_at IS NULL`);
    this.#unhold = db.prepare(`
      UPDATE runs
      SET due_at = due_after_hold, waiting_for = CASE WHEN due_after_hold IS NULL THEN NULL ELSE waiting_for END,
          is_held = 0, due_after_hold = NULL
      WHERE id = ? AND fence = ? AND status = 'queued' AND is_held = 1`);
    this.#owners = db.prepare(`
      SELECT o.owner AS id, p.host, p.boot_id, p.pid_namespace, p.pid, p.beats
      FROM (SELECT DISTINCT owner FROM runs WHERE owner IS NOT NULL) o LEFT JOIN processes p ON p.id = o.owner`);
    this.#buryProcess = db.prepare("DELETE FROM processes WHERE id = ? AND beats = ?");
    this.#hasProcess = db.prepare("SELECT 1 AS found FROM processes WHERE id = ?");
    this.#free = db.prepare(`
      UPDATE runs
      SET status = ?, owner = NULL, losses = losses + 1, due_at = ?, waiting_for = ?, error = ?, ended_at = ?,
          attempt_status = 'interrupted', attempt_error = ?, attempt_ended_at = ?, attempt_settled_at = ?
      WHERE id = ? AND fence = ? AND status = 'running' AND owner = ?`);
    this.#leave = db.prepare("DELETE FROM processes WHERE id = ?");
  }

  /** @param transaction the number of the transaction that this is called in */
  claim(command: ClaimCommand, transaction: number): ClaimOutcome {
    const runs: ClaimedRun[] = [];
    const { workflows, limit, now, process } = command;
    const earliest = this.#earliestOf(workflows, BEFORE_ANY);
    const isSomeDue = earliest !== null && earliest <= now;
    const lines = workflows.map((workflow) => ({ workflow, room: this.#roomOf(workflow, limit) }));
    // Timed runs first: they have waited longest. Each phase takes one of every workflow in turn.
    for (const isTimed of isSomeDue ? [true, false] : [false]) {
      const queues = lines.map(({ workflow, room }) =>
        isTimed ? this.#timed.all(workflow.name, now, room) : this.#ready.all(workflow.name, room),
      ) as Row[][];
      for (let turn = 0; runs.length < limit && queues.some((queue) => turn < queue.length); turn++) {
        for (const [at, line] of lines.entries()) {
          const row = queues[at]?.[turn];
          if (row === undefined || runs.length >= limit || line.room === 0) continue;
          line.room--;
          if (Number(row.fence) > 0) this.#keepAttempt.run(Number(row.seq));
          this.#claim.run(process.id, line.workflow.fileHash, now, Number(row.seq));
          runs.push(this.#read(Number(row.seq)));
        }
      }
    }
    if (runs.length > 0) this.beatOnce(process, transaction);
    return { runs, nextDueAt: isSomeDue ? this.#earliestOf(workflows, now) : earliest };
  }

  countReady(workflowNames: readonly string[], limit: number): number {
    let ready = 0;
    for (const name of workflowNames) {
      ready += Number((this.#countReady.get(name, limit - ready) as Row).ready);
      if (ready >= limit) break;
    }
    return ready;
  }

  /** How many runs of the workflow may be taken here, `limit` at most. */
  #roomOf({ name, concurrency }: ClaimableWorkflow, limit: number): number {
    if (concurrency === null) return limit;
    const { running } = this.#running.get(name) as Row;
    return Math.max(0, Math.min(limit, concurrency - Number(running)));
  }

  /** When the first timed run comes due after `after`; null for none. */
  #earliestOf(workflows: readonly { readonly name: string }[], after: number): number | null {
    let earliest: number | null = null;
    for (const { name } of workflows) {
      const { due_at: dueAt } = this.#earliest.get(name, after) as Row;
      if (dueAt !== null && (earliest === null || Number(dueAt) < earliest)) earliest = Number(dueAt);
    }
    return earliest;
  }

  beat(processId: string): readonly AttemptKey[] | null {
    this.#beatsSent++;
    if (Number(this.#beat.run(processId).changes) === 0) return null;
    return this.ownedRuns(processId);
  }

  ownedRuns(processId: string): readonly OwnedRun[] {
    return (this.#owned.all(processId) as Row[]).map((row) => ({
      runId: String(row.id),
      fence: Number(row.fence),
      workflowName: String(row.workflow_name),
      losses: Number(row.losses),
    }));
  }

  finishStep({ runId, fence }: AttemptKey, step: NewStep): boolean {
    const { name, kind, result, dueAt, endedAt } = step;
    const inserted = this.#insertStep.run(name, kind, result, dueAt, endedAt, runId, fence);
    if (Number(inserted.changes) === 1) {
      // A first attempt has lost nothing yet.
      if (fence > FIRST_FENCE) this.#resetLosses.run(runId, fence);
      return true;
    }
    // A commit of unknown outcome is repeated, and then the row is there already.
    return this.#hasStep.get(runId, fence, name) !== undefined;
  }

  endAttempt({ runId, fence }: AttemptKey, end: AttemptEnd): boolean {
    const { next } = end;
    const requeue = next.status === "queued" ? next : null;
    const heldUntil = requeue?.heldUntil ?? null;
    const dueAt = heldUntil === null ? (requeue?.dueAt ?? null) : Math.max(heldUntil, requeue?.dueAt ?? 0);
    const error = end.error === null ? null : JSON.stringify(end.error);
    const isCounted = end.status === "failed" || end.status === "timed_out";
    const ended = this.#end.run(
      next.status,
      end.result,
      error,
      requeue === null ? end.endedAt : null,
      requeue?.waitingFor ?? (heldUntil === null ? null : "retry"),
      dueAt,
      heldUntil === null ? 0 : 1,
      heldUntil === null ? null : (requeue?.dueAt ?? null),
      isCounted ? 1 : 0,
      // A graceful interruption says nothing about the workflow, so it neither adds to the losses nor ends the row.
      end.status === "interrupted" ? 1 : 0,
      end.status,
      error,
      end.endedAt,
      end.isSettled ? end.endedAt : null,
      runId,
      fence,
    );
    if (Number(ended.changes) === 1) return true;
    // A commit of unknown outcome is repeated, and then the attempt has ended already, just so.
    const same = [runId, fence, end.status, end.endedAt] as const;
    return this.#hasEnded.get(...same, ...same) !== undefined;
  }

  settleAttempt({ runId, fence }: AttemptKey, settledAt: number): void {
    this.#settle.run(settledAt, runId, fence);
    this.#settleEarlier.run(settledAt, runId, fence);
    this.#unhold.run(runId, fence);
  }

  owners(): readonly ProcessRecord[] {
    return (this.#owners.all() as Row[]).map((row) => ({
      id: String(row.id),
      host: String(row.host ?? ""),
      bootId: (row.boot_id ?? null) as string | null,
      pidNamespace: (row.pid_namespace ?? null) as string | null,
      pid: Number(row.pid ?? 0),
      beats: row.beats as number | null,
    }));
  }

  bury(command: BuryCommand): boolean {
    const { processId, beats, now } = command;
    // The guard: a beat or a claim since it was seen means that the process lives.
    if (beats === null) {
      if (this.#hasProcess.get(processId) !== undefined) return false;
    } else if (Number(this.#buryProcess.run(processId, beats).changes) === 0) {
      return false;
    }
    for (const { runId, fence, next } of command.runs) {
      const error = next.status === "failed" ? JSON.stringify(next.error) : null;
      const dueAt = next.status === "queued" ? next.dueAt : null;
      const endedAt = next.status === "failed" ? now : null;
      const waitingFor = dueAt === null ? null : "retry";
      const run = [next.status, dueAt, waitingFor, error, endedAt] as const;
      this.#free.run(...run, error, now, now, runId, fence, processId);
    }
    return true;
  }

  leave(processId: string): void {
    this.#leave.run(processId);
  }

  /**
   * The beat that goes with every claim: whoever saw an older one cannot declare the process dead afterwards. One is
   * enough for all claims of a transaction.
   */
  beatOnce({ id, host, bootId, pidNamespace, pid }: ProcessIdentity, transaction: number): void {
    if (this.#beatenIn === transaction && this.#beatenBy === id) return;
    this.#register.run(id, host, bootId, pidNamespace, pid, ++this.#beatsSent);
    this.#beatenIn = transaction;
    this.#beatenBy = id;
  }

  #read(seq: number): ClaimedRun {
    const row = this.#claimed.get(seq) as Row;
    return {
      runId: String(row.run_id),
      fence: Number(row.fence),
      workflowName: String(row.workflow_name),
      failures: Number(row.failures),
      // Before the first attempt there is none.
      steps: Number(row.fence) === FIRST_FENCE ? [] : (this.#steps.all(seq) as Row[]).map(toStep),
      event: {
        id: String(row.id),
        provider: String(row.provider),
        webhookId: row.webhook_id as string | null,
        type: row.type as string | null,
        headers: JSON.parse(String(row.headers ?? "{}")) as Record<string, string>,
        contentType: String(row.content_type ?? ""),
        body: (row.body ?? new Uint8Array()) as Uint8Array,
        acceptedAt: Number(row.accepted_at),
      },
    };
  }
}
