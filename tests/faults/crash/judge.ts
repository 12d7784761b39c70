import type { Audit } from "../../support/audit.ts";
import type { StoredFile } from "../../support/stored.ts";
import type { Entry, Ledger } from "./ledger.ts";
import type { Faults, Findings } from "./report.ts";

const DAY_MS = 86_400_000;

/** Queries whose every row is a fault. */
const STORED: readonly [kind: keyof Faults, text: string, sql: string][] = [
  ["broken", "integrity", "SELECT * FROM pragma_integrity_check WHERE integrity_check <> 'ok'"],
  ["broken", "foreign keys", "SELECT * FROM pragma_foreign_key_check"],
  [
    "stuck",
    "not at rest",
    "SELECT id, status, fence, losses FROM runs WHERE status IN ('queued', 'running')",
  ],
  [
    "eventWithoutRun",
    "an event without its run",
    "SELECT e.id, e.webhook_id FROM webhook_events e LEFT JOIN runs r ON r.event_seq = e.seq WHERE r.seq IS NULL",
  ],
  [
    "duplicated",
    "two events for an id",
    "SELECT provider, webhook_id, count(*) AS n FROM webhook_events GROUP BY provider, webhook_id HAVING n > 1",
  ],
  [
    "duplicated",
    "two runs for an event",
    "SELECT event_seq, count(*) AS n FROM runs GROUP BY event_seq HAVING n > 1",
  ],
  [
    "erasedEarly",
    "erased before its time",
    `SELECT e.webhook_id, e.accepted_at, r.ended_at, e.erased_at
     FROM webhook_events e JOIN runs r ON r.event_seq = e.seq
     WHERE max(e.accepted_at, coalesce(r.ended_at, e.erased_at)) > e.erased_at - ${DAY_MS}`,
  ],
];

interface StoredRun {
  id: string;
  status: string;
  result: string | null;
  error: string | null;
  isErased: boolean;
}

/** Compares what everybody was told with what is stored and with what the workflows did. */
export function judge(file: StoredFile, ledger: Ledger, audit: Audit, findings: Findings): void {
  for (const { kind, text } of audit.faults) findings.fault(kind, text);
  for (const text of ledger.refusals) findings.fault("refused", text);
  for (const [kind, text, sql] of STORED) {
    for (const row of file.rows(sql)) findings.fault(kind, `${text}: ${JSON.stringify(row)}`);
  }
  const stored = readRuns(file);
  for (const entry of ledger.entries.values()) judgeEntry(entry, stored.get(entry.delivery.id), findings);
}

function readRuns(file: StoredFile): ReadonlyMap<string, StoredRun> {
  const rows = file.rows(`
    SELECT e.webhook_id, e.erased_at, r.id, r.status, r.result, r.error
    FROM runs r JOIN webhook_events e ON e.seq = r.event_seq`);
  return new Map(
    rows.map(({ webhook_id, erased_at, id, status, result, error }) => [
      String(webhook_id),
      {
        id: String(id),
        status: String(status),
        result: result as string | null,
        error: error as string | null,
        isErased: erased_at !== null,
      },
    ]),
  );
}

function judgeEntry(entry: Entry, run: StoredRun | undefined, findings: Findings): void {
  const { id } = entry.delivery;
  const told = [...entry.runIds].join(" and ");
  if (entry.answeredAt === null) {
    findings.fault("stuck", `${id} was never accepted`);
    return;
  }
  if (entry.runIds.size > 1 || entry.acceptances > 1)
    findings.fault("duplicated", `${id} was accepted ${entry.acceptances} times, as ${told}`);
  if (run === undefined) {
    if (entry.isForgotten) findings.deleted++;
    else findings.fault("lost", `${id}, accepted as ${told}, is not stored`);
    return;
  }
  if (run.isErased) findings.erased++;
  if (!entry.runIds.has(run.id)) findings.fault("lost", `${id} is stored as ${run.id}, told was ${told}`);
  const end = endOf(entry);
  const result = JSON.stringify({
    sum: entry.delivery.journey.steps.reduce((sum, _, index) => sum + index, 0),
  });
  const isRight = run.status === end && (end === "cancelled" || run.isErased || run.result === result);
  const isUnfinished = run.status === "queued" || run.status === "running";
  if (!isRight && !isUnfinished)
    findings.fault("wrongEnd", `${id} (${run.id}) ${run.status} with ${run.result ?? run.error}, not ${end}`);
}

/** Where a delivery and the person's commands lead to. */
function endOf({ caredFor }: Entry): "cancelled" | "succeeded" {
  return caredFor === "cancelled" ? "cancelled" : "succeeded";
}
