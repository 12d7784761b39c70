import type { Duration } from "./duration.ts";
import type { Fault } from "./errors.ts";
import type { EventOrigin, WebhookEvent } from "./event.ts";
import type { Stored } from "./json.ts";
import type { Log } from "./log.ts";

/** A named program for an event: a TypeScript module (code) or a YAML or JSON file (flow). */
export interface Workflow<I = unknown, R = unknown> {
  readonly kind: "code" | "flow";
  readonly description: string | null;
  /** Which deliveries start it; null where only `POST /webhooks/generic` and `trigger()` do. */
  readonly on: readonly Trigger[] | null;
  /** Milliseconds awake, per attempt. */
  readonly timeoutMs: number;
  readonly retry: RetryPolicy;
  /** How many runs at once over all processes of the database; null for no limit of its own. */
  readonly concurrency: number | null;
  /**
   * Checks the input and gives the schema's output, or the faults. Must be pure: each attempt asks again.
   *
   * @param event the one that starts it, where it is known: a flow's fields may be filled from it
   */
  validate(input: unknown, event?: EventOrigin): Validation<I> | Promise<Validation<I>>;
  run(context: RunContext<I>): R | Promise<R>;
}

/** A workflow whose input's type is not known here. */
export type AnyWorkflow = Workflow<unknown, unknown>;

/** A workflow as it stands in the registry: with its name, and the hash of its file where it has one. */
export interface NamedWorkflow {
  readonly name: string;
  /** Hex SHA-256 of the file; null for one given in code. */
  readonly fileHash: string | null;
  readonly workflow: AnyWorkflow;
}

/** Which deliveries start a workflow: all of a provider, or those that match. */
export interface Trigger {
  readonly provider: string;
  /** A pattern for the event's type, such as `pull_request.*`; without one any type, and none, will do. */
  readonly event?: string;
  /** A filter in CEL over `event`, `headers` and `body`; only `true` starts the workflow. */
  readonly if?: string;
}

/** When and how often a failed attempt is followed by another. */
export interface RetryPolicy {
  /** All attempts, the first included; 1 or more. */
  readonly attempts: number;
  readonly minDelayMs: number;
  readonly maxDelayMs: number;
}

export type Validation<I> = { readonly value: I } | { readonly faults: readonly Fault[] };

/** What a workflow's `run` is given. */
export interface RunContext<I> {
  /** The schema's output; without a schema the input as sent. */
  input: I;
  event: WebhookEvent;
  step: Step;
  /** Aborts on time-out, cancel, lost lease and shutdown. */
  signal: AbortSignal;
  log: Log;
  runId: string;
  /** 1 plus the attempts that counted against `retry.attempts`. */
  attempt: number;
}

/** What a step's function is given. */
export interface StepContext {
  signal: AbortSignal;
  /** `runId:name`, the same in every attempt, for APIs that take an idempotency key. */
  idempotencyKey: string;
}

/** Remembers what a part of a run returned, so that a later attempt does not do it again. */
export interface Step {
  /**
   * Calls `fn` unless an earlier attempt finished the step of this name, and resolves to the JSON form of its result.
   *
   * @param name 1 to 255 characters, used once in a run; in a loop add the index
   * @throws {FatalError} a name that was used, or a result that JSON cannot carry or that is over 1 MiB
   */
  <T>(name: string, fn: (context: StepContext) => T | Promise<T>): Promise<Stored<T>>;
  /** Waits for a span of time without holding a slot; survives a restart. */
  sleep(name: string, duration: Duration): Promise<void>;
}

/** Workflow names: also the file's name, and what `workflow_name` may say. */
export const WORKFLOW_NAME: RegExp = /^[a-z0-9][a-z0-9_-]{0,63}$/;

/** Provider names: also the route's name. `default`, `*-previous` and `*-file` mean something else in settings. */
export const PROVIDER_NAME: RegExp = /^[a-z][a-z0-9-]{0,63}$/;
