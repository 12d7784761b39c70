import type { Crowd } from "./crowd.ts";
import type { Machine } from "./machine.ts";
import { ENDS, LIMITED_MAX } from "./workflows.ts";

interface StoredRun {
  id: string;
  event_id: string;
  webhook_id: string | null;
  workflow_name: string;
  replay: number;
  status: string;
  error: string | null;
  result: string | null;
  erased_at: number | null;
}

/** What has to hold at any moment, whatever is under way. */
export function auditMoment(machine: Machine): void {
  const [row] = machine.disk.rows(
    "SELECT count(*) AS n FROM runs WHERE status = 'running' AND workflow_name = 'limited'",
  );
  if (Number(row?.n) > LIMITED_MAX)
    machine.world.blame(`${row?.n} runs of "limited" are awake, and ${LIMITED_MAX} may`);
}

/** How many runs are not at rest. */
export function countUnfinished(machine: Machine): number {
  const [row] = machine.disk.rows("SELECT count(*) AS n FROM runs WHERE status IN ('queued', 'running')");
  return Number(row?.n);
}

/** What has to hold at the end, when nothing goes wrong any more and everybody has got an answer. */
export function auditEnd(machine: Machine, crowd: Crowd): void {
  const { world, disk } = machine;
  const none = (what: string, sql: string): void => {
    for (const row of disk.rows(sql)) world.blame(`${what}: ${JSON.stringify(row)}`);
  };
  none("integrity", "SELECT * FROM pragma_integrity_check WHERE integrity_check <> 'ok'");
  none("foreign keys", "SELECT * FROM pragma_foreign_key_check");
  none(
    "stuck",
    "SELECT id, workflow_name, status, fence, owner, waiting_for, due_at FROM runs WHERE status IN ('queued', 'running')",
  );
  none(
    "an event without its run",
    "SELECT e.id FROM webhook_events e LEFT JOIN runs r ON r.event_seq = e.seq WHERE r.seq IS NULL",
  );
  none(
    "two events for an id",
    "SELECT id_key, count(*) AS n FROM webhook_events WHERE id_key IS NOT NULL GROUP BY id_key HAVING n > 1",
  );
  none(
    "two run sets for an event",
    "SELECT event_seq, workflow_name, replay, count(*) AS n FROM runs GROUP BY 1, 2, 3 HAVING n > 1",
  );
  none("a process that has left", "SELECT id FROM processes WHERE id IN (SELECT owner FROM runs)");
  const attempts = "SELECT attempt_status AS status FROM runs UNION ALL SELECT status FROM attempts";
  for (const { status } of disk.rows(attempts)) world.count(`attempt: ${status ?? "erased"}`);
  if (disk.rows("SELECT 1 FROM id_hashes LIMIT 1").length > 0) world.count("ids that were moved");
  if (machine.journal.repeats > 0) world.count("a step that was begun again");
  const stored = new Map<string, StoredRun>();
  const rows = disk.rows(`
    SELECT r.id, e.id AS event_id, e.webhook_id, r.workflow_name, r.replay, r.status, r.error, r.result, e.erased_at
    FROM runs r JOIN webhook_events e ON e.seq = r.event_seq`);
  for (const row of rows) stored.set(String(row.id), row as unknown as StoredRun);
  auditAnswers(machine, crowd, stored);
  for (const run of stored.values()) auditRun(machine, crowd, run);
}

/** Nothing that was answered is lost, and every answer about an id names the same event and runs. */
function auditAnswers({ world }: Machine, { told }: Crowd, stored: ReadonlyMap<string, StoredRun>): void {
  const first = new Map<string, string>();
  for (const { webhookId, eventId, runs } of told) {
    for (const [runId, name] of runs) {
      const run = stored.get(runId);
      if (run === undefined) world.blame(`lost: ${webhookId} was answered with ${name} ${runId}`);
      else if (run.event_id !== eventId)
        world.blame(`${runId} belongs to ${run.event_id}, not to ${eventId}`);
    }
    if (webhookId === null) continue;
    const answer = [eventId, ...runs.keys()].sort().join(" ");
    const before = first.get(webhookId);
    if (before === undefined) first.set(webhookId, answer);
    else if (before !== answer)
      world.blame(`duplicated: ${webhookId} was answered with ${before}, and with ${answer}`);
  }
}

/** It ended as its workflow ends, by what its last attempt did. */
function auditRun({ world, journal }: Machine, { asked, seen }: Crowd, run: StoredRun): void {
  const wishes = asked.get(run.id);
  world.count(`run: ${run.status}`);
  if (wishes?.isCancelled && !wishes.isRetried && run.status !== "cancelled") {
    world.blame(`run ${run.id} was cancelled, and then ${run.status}`);
  }
  if (seen.has(run.id) && seen.get(run.id) !== run.status) {
    world.blame(`run ${run.id} was ${seen.get(run.id)} when somebody looked, and then ${run.status}`);
  }
  if (run.status === "cancelled" && wishes?.mayBeCancelled) return;
  if (run.status !== ENDS[run.workflow_name]) {
    world.blame(`run ${run.id} of ${run.workflow_name} ${run.status}: ${run.error}`);
  }
  if (run.erased_at !== null) return;
  const results = journal.results.get(run.id) ?? [];
  if (run.status === "succeeded" && (run.result === null || !results.includes(run.result))) {
    world.blame(`run ${run.id} of ${run.workflow_name} gave ${results}, stored is ${run.result}`);
  }
}
