import { parseDuration } from "../duration.ts";
import type { AttemptEnd, ClaimedRun } from "../repositories.ts";
import type { RetryPolicy } from "../workflow.ts";
import type { Outcome } from "./attempt.ts";
import { retryDelay } from "./retry.ts";

/** What an ending is worked out from besides its outcome. */
export interface EndingGivens {
  policy: RetryPolicy;
  now: number;
  random: () => number;
  /** Not null where something of the attempt hangs: the run is not started again before. */
  heldUntil: number | null;
}

/** What an attempt's outcome means for its run: at rest, or queued again and until when. */
export function endingOf(
  outcome: Exclude<Outcome, { kind: "lost" }>,
  run: ClaimedRun,
  { policy, now, random, heldUntil }: EndingGivens,
): AttemptEnd {
  const isSettled = heldUntil === null;
  if (outcome.kind === "succeeded") {
    const { result } = outcome;
    return {
      status: "succeeded",
      endedAt: now,
      result,
      error: null,
      next: { status: "succeeded" },
      isSettled,
    };
  }
  const end = { endedAt: now, result: null, error: null, isSettled };
  switch (outcome.kind) {
    case "slept": {
      const next = { status: "queued", waitingFor: "sleep", dueAt: outcome.dueAt, heldUntil } as const;
      return { ...end, status: "slept", next };
    }
    case "interrupted":
      // Not held: the process is about to end, and what hangs ends with it.
      return {
        ...end,
        status: "interrupted",
        next: { status: "queued", waitingFor: null, dueAt: null, heldUntil: null },
      };
    case "timed_out":
    case "failed": {
      const { kind: status, error } = outcome;
      const attempts = run.failures + 1;
      const isFinal = (outcome.kind === "failed" && outcome.isFinal) || attempts >= policy.attempts;
      if (isFinal) return { ...end, status, error, next: { status: "failed" } };
      const asked = outcome.kind === "failed" ? askedFor(outcome.retryAfter, now) : null;
      const dueAt = asked ?? now + retryDelay(attempts, policy, random);
      return { ...end, status, error, next: { status: "queued", waitingFor: "retry", dueAt, heldUntil } };
    }
  }
}

/** The time a RetryError asks for; null without one, or where what it asks for is no time. */
function askedFor(after: Extract<Outcome, { kind: "failed" }>["retryAfter"], now: number): number | null {
  if (after === null) return null;
  try {
    if (after instanceof Date) return Number.isNaN(after.getTime()) ? null : Math.max(now, after.getTime());
    return now + parseDuration(after);
  } catch {
    return null;
  }
}
