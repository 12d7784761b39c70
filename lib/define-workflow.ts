import { type Duration, parseDuration } from "./duration.ts";
import { type Fault, messageOf } from "./errors.ts";
import { compileEventFilter } from "./event-filter.ts";
import { EVENT_PATTERN_CHARACTERS_MAX } from "./event-pattern.ts";
import type { InferOutput, StandardIssue, StandardResult, StandardSchemaV1 } from "./standard-schema.ts";
import {
  type AnyWorkflow,
  PROVIDER_NAME,
  type RetryPolicy,
  type RunContext,
  type Trigger,
  type Validation,
  type Workflow,
} from "./workflow.ts";

const WORKFLOW = Symbol.for("latchhook.workflow");

/** What a workflow is made of, in code. Only `run` must be there. */
export interface WorkflowOptions<S extends StandardSchemaV1 = StandardSchemaV1, R = unknown> {
  description?: string;
  /**
   * Deliveries that start it, once however many of the entries match; the input is then the event's parsed body.
   * `event` is a pattern for the type, `if` a filter in CEL: docs/triggers.md.
   */
  on?: readonly Trigger[];
  /** Any Standard Schema; it must be pure, because each attempt validates again. */
  input?: S;
  /** Awake time of one attempt; default 5 min. */
  timeout?: Duration;
  /** Default 10 attempts, from 2 s to 10 min, full jitter. */
  retry?: { attempts?: number; minDelay?: Duration; maxDelay?: Duration };
  /** Runs at once over all processes of the database; default no limit. */
  concurrency?: number;
  run(context: RunContext<InferOutput<S>>): R | Promise<R>;
}

/**
 * A workflow from its parts, with defaults filled in.
 *
 * @throws {TypeError} a part that is wrong, with what to give
 * @example
 * ```ts
 * export default defineWorkflow({
 *   input: v.object({ topic: v.string() }),
 *   async run({ input, step }) {
 *     return { text: await step("write", () => `About ${input.topic}`) };
 *   },
 * });
 * ```
 */
export function defineWorkflow<S extends StandardSchemaV1 = StandardSchemaV1, R = unknown>(
  options: WorkflowOptions<S, R>,
): Workflow<InferOutput<S>, R> {
  if (typeof options?.run !== "function")
    throw new TypeError("Cannot define a workflow without run(context)");
  const known = ["description", "on", "input", "timeout", "retry", "concurrency", "run"];
  const unknown = Object.keys(options).find((key) => !known.includes(key));
  if (unknown !== undefined) {
    throw new TypeError(
      `Cannot define a workflow with ${JSON.stringify(unknown)}: it takes ${known.join(", ")}`,
    );
  }
  return brandWorkflow({
    kind: "code",
    description: options.description ?? null,
    on: parseTriggers(options.on),
    timeoutMs: positive(parseDuration(options.timeout ?? "5m", "timeout"), "timeout"),
    retry: parseRetry(options.retry),
    concurrency: options.concurrency === undefined ? null : positive(options.concurrency, "concurrency"),
    validate: (input) => validateWith(options.input, input),
    run: (context) => options.run(context),
  });
}

/** True for what `defineWorkflow` of any loaded copy of the library made, and for a parsed flow. */
export function isWorkflow(value: unknown): value is AnyWorkflow {
  return typeof value === "object" && value !== null && WORKFLOW in value;
}

/** The workflow, frozen and known to `isWorkflow`. */
export function brandWorkflow<I, R>(workflow: Workflow<I, R>): Workflow<I, R> {
  return Object.freeze(Object.assign(workflow, { [WORKFLOW]: true }));
}

/**
 * The deliveries that start a workflow.
 *
 * @throws {TypeError} a form that is not understood, or a pattern or filter that cannot be used, with its place
 */
export function parseTriggers(on: unknown): readonly Trigger[] | null {
  if (on === undefined) return null;
  if (!Array.isArray(on) || on.length === 0) {
    throw new TypeError('Cannot use "on": give a list such as [{ provider: "github" }], or leave it out');
  }
  if (on.length > TRIGGERS_MAX) {
    throw new TypeError(`Cannot use "on" with ${on.length} entries: at most ${TRIGGERS_MAX}`);
  }
  return on.map(parseTrigger);
}

/** Each may be tried before a delivery is answered. */
const TRIGGERS_MAX = 50;

function parseTrigger(trigger: unknown, index: number): Trigger {
  if (typeof trigger !== "object" || trigger === null) {
    throw new TypeError('Cannot use an entry of "on": give an object such as { provider: "github" }');
  }
  const extra = Object.keys(trigger).find((key) => !["provider", "event", "if"].includes(key));
  if (extra !== undefined) {
    throw new TypeError(`Cannot use ${JSON.stringify(extra)} in "on": an entry takes provider, event and if`);
  }
  const { provider, event, if: filter } = trigger as Readonly<Record<string, unknown>>;
  if (typeof provider !== "string" || !PROVIDER_NAME.test(provider)) {
    throw new TypeError(
      `Cannot use ${JSON.stringify(provider)} as provider in "on": a name has lower-case letters, digits and "-"`,
    );
  }
  return {
    provider,
    ...(event === undefined ? {} : { event: checkEventPattern(event, index) }),
    ...(filter === undefined ? {} : { if: checkFilter(filter, index) }),
  };
}

function checkEventPattern(event: unknown, index: number): string {
  if (typeof event === "string" && event !== "" && event.length <= EVENT_PATTERN_CHARACTERS_MAX) return event;
  throw new TypeError(
    `Cannot use "event" of on[${index}]: give 1 to ${EVENT_PATTERN_CHARACTERS_MAX} characters, such as "pull_request.*"`,
  );
}

function checkFilter(filter: unknown, index: number): string {
  if (typeof filter !== "string" || filter.trim() === "") {
    throw new TypeError(
      `Cannot use "if" of on[${index}]: give a filter as text, such as 'body.action == "opened"'`,
    );
  }
  try {
    compileEventFilter(filter);
    return filter;
  } catch (error) {
    throw new TypeError(`Cannot use "if" of on[${index}]: ${messageOf(error)}`);
  }
}

function parseRetry(retry: WorkflowOptions["retry"] = {}): RetryPolicy {
  const policy = {
    attempts: positive(retry.attempts ?? 10, "retry.attempts"),
    minDelayMs: parseDuration(retry.minDelay ?? "2s", "retry.minDelay"),
    maxDelayMs: parseDuration(retry.maxDelay ?? "10m", "retry.maxDelay"),
  };
  if (policy.minDelayMs > policy.maxDelayMs) {
    throw new TypeError("Cannot use retry.minDelay above retry.maxDelay: the first delay is the shortest");
  }
  return policy;
}

function positive(value: number, what: string): number {
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new TypeError(`Cannot use ${value} as ${what}: give a whole number of 1 or more`);
}

/** Checks by a Standard Schema; without one everything fits. */
export function validateWith<S extends StandardSchemaV1>(
  schema: S | undefined,
  input: unknown,
): Validation<InferOutput<S>> | Promise<Validation<InferOutput<S>>> {
  if (schema === undefined) return { value: input as InferOutput<S> };
  const result = schema["~standard"].validate(input) as
    | StandardResult<InferOutput<S>>
    | Promise<StandardResult<InferOutput<S>>>;
  return result instanceof Promise ? result.then(toValidation) : toValidation(result);
}

function toValidation<I>(result: StandardResult<I>): Validation<I> {
  return result.issues === undefined ? { value: result.value } : { faults: result.issues.map(toFault) };
}

function toFault(issue: StandardIssue): Fault {
  const keys = (issue.path ?? []).map((part) => (typeof part === "object" ? part.key : part));
  return { pointer: toPointer(keys), detail: withoutValue(issue.message) };
}

/** A JSON Pointer (RFC 6901) to the place that the keys lead to; `""` is the whole. */
export function toPointer(keys: readonly PropertyKey[]): string {
  return keys.map((key) => `/${String(key).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}

/**
 * The schema's words without what was received: a fault goes to the sender's log and to ours, and the value may be a
 * secret. valibot ends with `but received "..."`.
 */
function withoutValue(message: string): string {
  return message.replace(/ but received .*$/s, "");
}
