import type { AcceptGivens } from "../lib/accept/accept.ts";
import type { Answer } from "../lib/answer.ts";
import type { Clock } from "../lib/clock.ts";
import type { Doctor } from "../lib/doctor/doctor.ts";
import type { AnswerContext } from "../lib/http/answer.ts";
import type { AdminGate } from "../lib/http/auth.ts";
import type { BodyBudget } from "../lib/http/body-budget.ts";
import type { CalledUrlSettings } from "../lib/http/called-url.ts";
import type { Incoming } from "../lib/incoming.ts";
import type { LineLimit } from "../lib/line-limit.ts";
import type { Log } from "../lib/log.ts";
import type { Peer } from "../lib/peer.ts";
import type { RunRecord, Storage } from "../lib/repositories.ts";
import type { Provider } from "../lib/schemes/providers.ts";
import type { WorkflowRegistry } from "../lib/workflows/registry.ts";

/** What the routes are given: the rooms below, already wired. */
export interface RouteContext {
  readonly storage: Storage;
  readonly registry: WorkflowRegistry;
  readonly providers: ReadonlyMap<string, Provider>;
  readonly accept: AcceptGivens;
  readonly gate: AdminGate;
  readonly bodies: BodyBudget;
  readonly clock: Clock;
  readonly log: Log;
  /** Asked before a refusal is logged, by its code. */
  readonly refusalLines: LineLimit;
  /** Told of signatures that hold and that do not. */
  readonly doctor: Doctor;
  readonly settings: RouteSettings;
  /** Waits until the run is at rest; null where too many wait already. */
  waitForRun(runId: string, ms: number, signal: AbortSignal): Promise<RunRecord | null> | null;
  /** Tells the runner and those who wait that a run was cancelled. */
  onCancelled(runId: string): void;
  /** True from the beginning of a stop. */
  isStopping(): boolean;
}

export interface RouteSettings extends CalledUrlSettings {
  /** Without a slash at its end; empty where we stand at the root. */
  readonly basePath: string;
  readonly urlBase: string;
  readonly bodyBytesMax: number;
  readonly requireId: boolean;
  /** Names in lower case. */
  readonly keepHeaders: readonly string[];
  /** DNS names in lower case: whose request for permission is granted. */
  readonly requestOrigins: readonly string[];
  /** True in try-out mode: a local delivery needs no signature. */
  readonly isTryOut: boolean;
  /** Signature headers of all schemes, in lower case. */
  readonly signatureHeaders: readonly string[];
  /** False where this process only runs: `/health` and `/ready` are all that it answers. */
  readonly hasAllRoutes: boolean;
  /** How long a retry waits for an attempt that has not said that it ended, in milliseconds. */
  readonly holdMs: number;
}

/** One request on its way through a route. */
export interface Call {
  readonly request: Incoming;
  /** With its `?`, or empty. */
  readonly query: string;
  /** What stands in the path in place of a `:name`. */
  readonly part: string;
  readonly peer: Peer | undefined;
  readonly requestId: string;
}

/** Answers one method on one path. */
export type Route = (call: Call, context: RouteContext) => Answer | Promise<Answer>;

/** What answers are made with. */
export function answerContext(context: RouteContext): AnswerContext {
  return {
    urlBase: context.settings.urlBase,
    now: context.clock.now(),
    hasWorkflow: (name) => context.registry.get(name) !== undefined,
  };
}
