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

/** What a test that speaks to the server writes between the workflows' lines, in the order of what it was told. */
export interface NoteLine {
  run: string;
  /** `rested`: an answer said that the run has ended. `retried`: a person is about to ask for more attempts. */
  what: "rested" | "retried";
}

/** A break of the promises in what the workflows did. */
export interface AuditFault {
  kind: "lostEffects" | "begunAgain" | "overlapping" | "afterRest";
  text: string;
}

/** Reads the lines one by one, in the order of what happened, and keeps the breaks of the promises. */
export class Audit {
  readonly faults: AuditFault[] = [];
  /** How many steps were begun again: each at the cost of one kill. */
  repeats = 0;
  /** How many attempts of each run have started. */
  readonly starts: Map<string, number> = new Map();
  readonly #frozen: readonly number[];
  readonly #begun = new Set<string>();
  readonly #done = new Set<string>();
  readonly #returned = new Set<string>();
  readonly #latest = new Map<string, string>();
  readonly #rested = new Set<string>();

  /** @param frozen pids that were stopped with SIGSTOP, whose attempts may overlap with their successors */
  constructor(frozen: readonly number[] = []) {
    this.#frozen = frozen;
  }

  add(line: AuditLine | NoteLine): void {
    if ("pid" in line) this.#addDeed(line);
    else if (line.what === "rested") this.#rested.add(line.run);
    else this.#rested.delete(line.run);
  }

  #addDeed({ run, pid, attempt, what, step: name }: AuditLine): void {
    const step = `${run} ${name}`;
    const isFrozen = this.#frozen.includes(pid);
    if (what === "effect") this.#done.add(step);
    if (what === "returned") this.#returned.add(step);
    if (what === "returned" && !this.#done.has(step))
      this.#say("lostEffects", `step ${step} returned in ${attempt} and its effect was never done`);
    if (what === "began") {
      if (this.#begun.has(step)) this.repeats++;
      this.#begun.add(step);
      if (this.#returned.has(step) && !isFrozen)
        this.#say("begunAgain", `step ${step} began again in ${attempt} after it had returned`);
    }
    // What was under way at a cancel may still settle; nothing may begin.
    if ((what === "started" || what === "began") && this.#rested.has(run))
      this.#say("afterRest", `run ${run}: ${attempt} ${what} ${name} after it was said to have ended`);
    if (what === "started") {
      this.#latest.set(run, attempt);
      this.starts.set(run, (this.starts.get(run) ?? 0) + 1);
    }
    const owner = this.#latest.get(run);
    if (owner !== undefined && owner !== attempt && !isFrozen)
      this.#say("overlapping", `run ${run}: ${attempt} still ran (${what} ${name}) after ${owner} began`);
  }

  #say(kind: AuditFault["kind"], text: string): void {
    this.faults.push({ kind, text });
  }
}

/**
 * Breaks of the promises in what the workflows did; empty where there is none. A step that is begun again without a
 * "returned" line is what at-least-once means: `repeats` counts those.
 *
 * @param frozen pids that were stopped with SIGSTOP, whose attempts may overlap with their successors
 */
export function auditFaults(lines: readonly AuditLine[], frozen: readonly number[] = []): string[] {
  const audit = new Audit(frozen);
  for (const line of lines) audit.add(line);
  return audit.faults.map(({ text }) => text);
}

/** How many steps were begun again: each at the cost of one kill. */
export function repeats(lines: readonly AuditLine[]): number {
  const audit = new Audit();
  for (const line of lines) audit.add(line);
  return audit.repeats;
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
