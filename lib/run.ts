/** A run ends in one of the last three and leaves it only by a person's retry. */
export type RunStatus = "queued" | "running" | "succeeded" | "failed" | "cancelled";

/** How one try of a run ended; `running` while it has not. Only `failed` and `timed_out` count against the retries. */
export type AttemptStatus =
  | "running"
  | "succeeded"
  | "failed"
  | "timed_out"
  | "slept"
  | "interrupted"
  | "cancelled";

/** What a queued run waits for: a slot, its next attempt, a sleep's end, or a workflow that is missing here. */
export type WaitingFor = "slot" | "retry" | "sleep" | "workflow";

export type StepKind = "step" | "sleep";

/** Why an attempt or a run ended badly: a stable code and a text of at most 16 KiB. */
export interface RunError {
  code: string;
  message: string;
}

/** True where nothing more happens to the run unless a person asks. */
export function isAtRest(status: RunStatus): boolean {
  return status === "succeeded" || status === "failed" || status === "cancelled";
}

/** The largest stored result of a step or a run, in bytes of JSON. */
export const RESULT_BYTES_MAX = 1_048_576;

/** The longest stored error message, in bytes. */
export const ERROR_BYTES_MAX = 16_384;
