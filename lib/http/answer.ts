import { inputsOf } from "../event.ts";
import { hasOddNumber } from "../json.ts";
import { tryParseBody } from "../parse-body.ts";
import type { Rejection, RejectionDetails, RejectionReason } from "../rejection.ts";
import type {
  AcceptedRun,
  AcceptOutcome,
  AttemptRecord,
  EventRecord,
  EventSummary,
  RunRecord,
  RunSummary,
  StepRecord,
} from "../repositories.ts";
import type { RunError, RunStatus, WaitingFor } from "../run.ts";
import type { NamedWorkflow, Trigger } from "../workflow.ts";
import { runUrl } from "./run-url.ts";

/** What an answer depends on besides the record. */
export interface AnswerContext {
  /** Of `urlBase`. */
  urlBase: string;
  /** The wall clock. */
  now: number;
  /** True where the registry of this process has a workflow of that name. */
  hasWorkflow(name: string): boolean;
}

export interface AcceptedRunJson {
  run_id: string;
  workflow_name: string;
  status: RunStatus;
  status_url: string;
}

/** What a sender is told. The last four are those of the only run; null where there are none or several. */
export interface AcceptJson {
  status: string;
  event_id: string;
  webhook_id: string | null;
  runs: AcceptedRunJson[];
  run_id: string | null;
  workflow_name: string | null;
  run_status: RunStatus | null;
  status_url: string | null;
}

/** The answer to a delivery or a replay that was accepted, or that is a duplicate. */
export function acceptJson(outcome: AcceptOutcome, base: string): AcceptJson {
  const runs = outcome.runs.map((run) => acceptedRunJson(run, base));
  const only = runs.length === 1 ? runs[0] : undefined;
  return {
    status: outcome.kind,
    event_id: outcome.eventId,
    webhook_id: outcome.webhookId,
    runs,
    run_id: only?.run_id ?? null,
    workflow_name: only?.workflow_name ?? null,
    run_status: only?.status ?? null,
    status_url: only?.status_url ?? null,
  };
}

/** The 200 of `Prefer: wait` once the run has succeeded; a copy of the delivery is told that it is one. */
export function succeededJson(
  outcome: AcceptOutcome,
  resultJson: string | null,
  base: string,
): AcceptJson & { result: unknown; duplicate?: true } {
  const runs = outcome.runs.map((run): AcceptedRun => ({ ...run, status: "succeeded" }));
  return {
    ...acceptJson({ ...outcome, runs }, base),
    status: "succeeded",
    ...(outcome.kind === "duplicate" ? { duplicate: true } : {}),
    result: parseStored(resultJson),
  };
}

export interface RunSummaryJson {
  run_id: string;
  event_id: string;
  workflow_name: string;
  replay: number;
  status: RunStatus;
  waiting_for: WaitingFor | null;
  due_at: string | null;
  error: RunError | null;
  created_at: string;
  ended_at: string | null;
}

/** A run as `GET /runs` lists it. */
export function runSummaryJson(run: RunSummary, context: AnswerContext): RunSummaryJson {
  return {
    run_id: run.runId,
    event_id: run.eventId,
    workflow_name: run.workflowName,
    replay: run.replay,
    status: run.status,
    waiting_for: waitingFor(run, context),
    due_at: run.status === "queued" ? time(run.dueAt) : null,
    error: errorJson(run.error),
    created_at: instant(run.createdAt),
    ended_at: time(run.endedAt),
  };
}

export interface AttemptJson {
  attempt: number;
  status: string;
  started_at: string;
  ended_at: string | null;
  error: RunError | null;
}

export interface StepJson {
  name: string;
  kind: "step" | "sleep";
  result: unknown;
  ended_at: string | null;
  due_at: string | null;
}

export interface RunJson extends RunSummaryJson {
  inputs: unknown;
  result: unknown;
  attempts: AttemptJson[];
  steps: StepJson[];
}

/** A run as `GET /runs/{id}` shows it. Its inputs are read from the event's body, until that is erased. */
export function runJson(run: RunRecord, context: AnswerContext): RunJson {
  const body = run.eventBody === null ? undefined : tryParseBody(run.eventBody, run.eventContentType);
  return {
    ...runSummaryJson(run, context),
    inputs: inputsOf(run.provider, body) ?? null,
    result: parseStored(run.result),
    attempts: run.attempts.map(attemptJson),
    steps: run.steps.map((step) => stepJson(step, context.now)),
  };
}

export interface EventSummaryJson {
  event_id: string;
  provider: string;
  webhook_id: string | null;
  id_source: string | null;
  type: string | null;
  accepted_at: string;
  erased_at: string | null;
  content_type: string;
  notes: readonly string[];
  runs: AcceptedRunJson[];
}

/** An event as `GET /events` lists it. */
export function eventSummaryJson(event: EventSummary, base: string): EventSummaryJson {
  return {
    event_id: event.eventId,
    provider: event.provider,
    webhook_id: event.webhookId,
    id_source: event.idSource,
    type: event.type,
    accepted_at: instant(event.acceptedAt),
    erased_at: time(event.erasedAt),
    content_type: event.contentType,
    notes: event.notes,
    runs: event.runs.map((run) => acceptedRunJson(run, base)),
  };
}

export interface EventJson extends EventSummaryJson {
  headers: Readonly<Record<string, string>>;
  /** The parsed body where it is JSON; null where it was erased. */
  body?: unknown;
  /** The bytes of any other body. */
  body_base64?: string;
}

/** An event as `GET /events/{id}` shows it: a stored body leaves only inside JSON, never as a page of its own. */
export function eventJson(event: EventRecord, base: string): EventJson {
  return { ...eventSummaryJson(event, base), headers: event.headers, ...bodyJson(event) };
}

export interface WorkflowJson {
  workflow_name: string;
  kind: "code" | "flow";
  description: string | null;
  on: readonly Trigger[] | null;
  concurrency: number | null;
}

/** A workflow as `GET /workflows` lists it. */
export function workflowJson({ name, workflow }: NamedWorkflow): WorkflowJson {
  return {
    workflow_name: name,
    kind: workflow.kind,
    description: workflow.description,
    on: workflow.on,
    concurrency: workflow.concurrency,
  };
}

export interface RejectionJson {
  provider: string;
  reason: RejectionReason;
  proven: boolean;
  advice: string;
  details: RejectionDetails;
  count: number;
  first_at: string;
  last_at: string;
  request_id: string;
}

/** Refusals of one cause as `GET /rejections` lists them. */
export function rejectionJson(rejection: Rejection): RejectionJson {
  return {
    provider: rejection.provider,
    reason: rejection.reason,
    proven: rejection.isProven,
    advice: rejection.advice,
    details: rejection.details,
    count: rejection.count,
    first_at: instant(rejection.firstAt),
    last_at: instant(rejection.lastAt),
    request_id: rejection.requestId,
  };
}

function acceptedRunJson(run: AcceptedRun, base: string): AcceptedRunJson {
  return {
    run_id: run.runId,
    workflow_name: run.workflowName,
    status: run.status,
    status_url: runUrl(base, run.runId),
  };
}

/** Worked out when read: what is missing here may be there in another process, and time passes without a write. */
function waitingFor(run: RunSummary, context: AnswerContext): WaitingFor | null {
  if (run.status !== "queued") return null;
  if (!context.hasWorkflow(run.workflowName)) return "workflow";
  const isDue = run.dueAt === null || run.dueAt <= context.now;
  return isDue ? "slot" : (run.waitingFor ?? "slot");
}

function attemptJson(attempt: AttemptRecord): AttemptJson {
  return {
    attempt: attempt.fence,
    status: attempt.status,
    started_at: instant(attempt.startedAt),
    ended_at: time(attempt.endedAt),
    error: errorJson(attempt.error),
  };
}

function stepJson(step: StepRecord, now: number): StepJson {
  // Nothing is written when a sleep is over: its wake time says it.
  const isSlept = step.kind === "sleep" && step.dueAt !== null && step.dueAt <= now;
  return {
    name: step.name,
    kind: step.kind,
    result: parseStored(step.result),
    ended_at: time(step.endedAt ?? (isSlept ? step.dueAt : null)),
    due_at: time(step.dueAt),
  };
}

function errorJson(error: RunError | null): RunError | null {
  return error === null ? null : { code: error.code, message: error.message };
}

function bodyJson({ body, contentType }: EventRecord): { body: unknown } | { body_base64: string } {
  if (body === null) return { body: null };
  const value = isParsed(contentType) ? tryParseBody(body, contentType) : undefined;
  // A number such as 1e400 would be shown as null.
  return value === undefined || hasOddNumber(value) ? { body_base64: base64(body) } : { body: value };
}

/** JSON and forms are shown as workflows see them, anything else as it is. */
function isParsed(contentType: string): boolean {
  return /^\s*(?:application\/(?:json|x-www-form-urlencoded)|[^;\s]+\+json)\s*(?:;|$)/i.test(contentType);
}

function parseStored(json: string | null): unknown {
  return json === null ? null : JSON.parse(json);
}

function base64(bytes: Uint8Array): string {
  let binary = "";
  // In pieces, because a call takes only so many arguments.
  for (let at = 0; at < bytes.length; at += 8_192) {
    binary += String.fromCharCode(...bytes.subarray(at, at + 8_192));
  }
  return btoa(binary);
}

function time(ms: number | null): string | null {
  return ms === null ? null : instant(ms);
}

function instant(ms: number): string {
  return new Date(ms).toISOString();
}
