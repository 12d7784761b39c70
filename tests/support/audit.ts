import { readFileSync } from "node:fs";
import type { AuditLine } from "../fixtures/workflows/_audit.ts";
import type { StoredFile } from "./stored.ts";

/** The lines that the workflows of all processes have written, in the order of what happened; none yet is empty. */
export function readAudit(path: string): AuditLine[] {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch {
    return [];
  }
  const lines = text.split("\n").filter((line) => line !== "");
  return lines.map((line) => JSON.parse(line) as AuditLine);
}

/**
 * Breaks of the promises in what the workflows did; empty where there is none. A step that is begun again without a
 * "returned" line is what at-least-once means: `repeats` counts those.
 *
 * @param frozen pids that were stopped with SIGSTOP, whose attempts may overlap with their successors
 */
export function auditFaults(lines: readonly AuditLine[], frozen: readonly number[] = []): string[] {
  const faults: string[] = [];
  const returned = new Set<string>();
  const done = new Set<string>();
  const latest = new Map<string, AuditLine>();
  for (const line of lines) {
    const step = `${line.run} ${line.step}`;
    if (line.what === "effect") done.add(step);
    if (line.what === "returned") returned.add(step);
    if (line.what === "returned" && !done.has(step)) {
      faults.push(`step ${step} returned in ${line.attempt} and its effect was never done`);
    }
    if (line.what === "began" && returned.has(step) && !frozen.includes(line.pid)) {
      faults.push(`step ${step} began again in ${line.attempt} after it had returned`);
    }
    if (line.what === "started") latest.set(line.run, line);
    const owner = latest.get(line.run);
    if (owner !== undefined && owner.attempt !== line.attempt && !frozen.includes(line.pid)) {
      faults.push(
        `run ${line.run}: ${line.attempt} still ran (${line.what} ${line.step}) after ${owner.attempt} began`,
      );
    }
  }
  return faults;
}

/** How many steps were begun again: each at the cost of one kill. */
export function repeats(lines: readonly AuditLine[]): number {
  const seen = new Set<string>();
  let count = 0;
  for (const { what, run, step } of lines) {
    if (what !== "began") continue;
    const key = `${run} ${step}`;
    if (seen.has(key)) count++;
    seen.add(key);
  }
  return count;
}

/**
 * Breaks of the promises in what is stored, once every process has ended.
 *
 * @param accepted the runs that senders were told of, by webhook_id
 */
export function storedFaults(file: StoredFile, accepted: ReadonlyMap<string, string>): string[] {
  const faults: string[] = [];
  const say = (text: string, sql: string): void => {
    for (const row of file.rows(sql)) faults.push(`${text}: ${JSON.stringify(row)}`);
  };
  say("integrity", "SELECT * FROM pragma_integrity_check WHERE integrity_check <> 'ok'");
  say("not at rest", "SELECT id, status, fence, losses FROM runs WHERE status IN ('queued', 'running')");
  say("not succeeded", "SELECT id, status, error FROM runs WHERE status IN ('failed', 'cancelled')");
  say(
    "an event without its run",
    "SELECT e.id FROM webhook_events e LEFT JOIN runs r ON r.event_seq = e.seq WHERE r.seq IS NULL",
  );
  say(
    "two events for an id",
    "SELECT webhook_id, count(*) AS n FROM webhook_events WHERE webhook_id IS NOT NULL GROUP BY provider, webhook_id HAVING n > 1",
  );
  say("two runs for an event", "SELECT event_seq, count(*) AS n FROM runs GROUP BY event_seq HAVING n > 1");
  const stored = new Map(
    file
      .rows("SELECT e.webhook_id, r.id FROM runs r JOIN webhook_events e ON e.seq = r.event_seq")
      .map((row) => [String(row.webhook_id), String(row.id)]),
  );
  for (const [webhookId, runId] of accepted) {
    if (stored.get(webhookId) !== runId) {
      faults.push(`${webhookId} was answered with ${runId}, stored is ${stored.get(webhookId)}`);
    }
  }
  return faults;
}
