import type { Answer } from "../answer.ts";
import { type Fault, WebhookError } from "../errors.ts";
import { cutText } from "../json.ts";
import type { RunStatus } from "../run.ts";
import { STANDARD_HEADERS } from "./headers.ts";

/** How one code is answered. */
export interface ProblemKind {
  readonly status: number;
  readonly title: string;
  /** Said in place of the error's message, where that could tell more than a stranger may know; null to say the message. */
  readonly detail: string | null;
  /** Headers that such an answer always has. */
  readonly headers: Readonly<Record<string, string>>;
}

/** Members that some problems have besides those of RFC 9457. */
export interface ProblemExtensions {
  event_id?: string;
  webhook_id?: string | null;
  run_id?: string;
  workflow_name?: string;
  run_status?: RunStatus;
  duplicate?: true;
}

/** A refusal with what its answer says besides: members of the body, and headers such as `Allow`. */
export class ProblemError extends WebhookError {
  override name = "ProblemError";
  readonly extensions: ProblemExtensions;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    code: string,
    message: string,
    options: {
      cause?: unknown;
      faults?: readonly Fault[];
      extensions?: ProblemExtensions;
      headers?: Readonly<Record<string, string>>;
    } = {},
  ) {
    super(code, message, options);
    this.extensions = options.extensions ?? {};
    this.headers = options.headers ?? {};
  }
}

/** The refusal of a method on a path that has others. */
export function methodNotAllowed(allowed: readonly string[]): ProblemError {
  const allow = allowed.join(", ");
  return new ProblemError("method_not_allowed", `Cannot use this method here: use ${allow}`, {
    headers: { allow },
  });
}

/**
 * The answer to a request that ended in an error: `application/problem+json` (RFC 9457). This is the one place where
 * codes become statuses. What it does not know is our own fault, and so a 503: some senders drop an event for good
 * on a 4xx.
 *
 * @param error anything thrown
 * @param requestId `req_...`, also in the log line
 */
export function problemAnswer(error: unknown, requestId: string): Answer {
  const code = problemCode(error);
  const kind = PROBLEMS.get(code) ?? INTERNAL;
  const extras = error instanceof ProblemError ? error : null;
  const faults = error instanceof WebhookError && kind.detail === null ? error.faults : [];
  const problem = {
    type: `urn:latchhook:${code}`,
    title: kind.title,
    status: kind.status,
    detail: kind.detail ?? (error instanceof Error ? error.message : kind.title),
    request_id: requestId,
    ...(faults.length === 0 ? {} : { errors: faults.slice(0, FAULTS_MAX).map(faultJson) }),
    ...extras?.extensions,
  };
  return {
    status: kind.status,
    headers: {
      "content-type": "application/problem+json",
      ...STANDARD_HEADERS,
      ...kind.headers,
      ...extras?.headers,
    },
    body: JSON.stringify(problem),
  };
}

/** The code that an error is answered with: its own where it is in `PROBLEMS`, else `internal`. For logs and counters. */
export function problemCode(error: unknown): string {
  return error instanceof WebhookError && PROBLEMS.has(error.code) ? error.code : "internal";
}

/** Entries of `errors` at most. */
const FAULTS_MAX = 50;

/** A pointer is made of the sender's own keys, which may be as long as a body. */
const POINTER_BYTES_MAX = 1_024;

function faultJson(fault: Fault): Fault {
  return { pointer: cutText(fault.pointer, POINTER_BYTES_MAX), detail: fault.detail };
}

function problemKind(
  status: number,
  title: string,
  detail: string | null = null,
  headers: Readonly<Record<string, string>> = {},
): ProblemKind {
  return { status, title, detail, headers };
}

/** Seconds after which a sender may try again, where the house does not know better. */
function retryAfter(seconds: number): Readonly<Record<string, string>> {
  return { "retry-after": String(seconds) };
}

const INTERNAL: ProblemKind = problemKind(
  503,
  "Our fault",
  "Something went wrong here, and nothing of it is the sender's fault; try again later",
  retryAfter(30),
);

/** Every code that is answered, in the order of the checks. The documentation's list is made of it. */
export const PROBLEMS: ReadonlyMap<string, ProblemKind> = new Map([
  ["target_invalid", problemKind(400, "Target not understood")],
  ["header_repeated", problemKind(400, "Header sent twice")],
  ["not_found", problemKind(404, "Not found", "Nothing is here")],
  ["provider_unknown", problemKind(404, "Provider unknown", "No provider has this name")],
  ["method_not_allowed", problemKind(405, "Method not allowed")],
  [
    "overloaded",
    problemKind(503, "Overloaded", "There is more to do than fits; try again soon", retryAfter(1)),
  ],
  ["stopping", problemKind(503, "Stopping", "This server is stopping; try again soon", retryAfter(5))],
  [
    "storage_unavailable",
    problemKind(
      503,
      "Storage unavailable",
      "Nothing can be stored at the moment; try again soon",
      retryAfter(5),
    ),
  ],
  ["internal", INTERNAL],
  ["content_type", problemKind(415, "Content type not supported")],
  ["content_encoding", problemKind(415, "Content encoding not supported")],
  ["body_too_large", problemKind(413, "Body too large")],
  ["body_unreadable", problemKind(400, "Body not readable")],
  [
    "signature_invalid",
    problemKind(401, "Signature invalid", "The signature is missing or does not hold", {
      // RFC 9110 wants a challenge in every 401; this names what is missing, no registered scheme does.
      "www-authenticate": 'Signature realm="webhooks"',
    }),
  ],
  [
    "origin_foreign",
    problemKind(403, "Foreign origin", "A page of another site may not ask for this, whatever token it has"),
  ],
  [
    "too_many_failures",
    problemKind(429, "Too many failures", "Too many wrong tokens; wait a second", retryAfter(1)),
  ],
  [
    "unauthorized",
    problemKind(401, "Unauthorized", "This needs Authorization: Bearer with the admin token", {
      "www-authenticate": 'Bearer realm="latchhook"',
    }),
  ],
  ["challenge_invalid", problemKind(400, "Challenge invalid")],
  [
    "verify_token_invalid",
    problemKind(403, "Verify token invalid", "The verify token is missing or is not ours"),
  ],
  ["json_invalid", problemKind(400, "Not JSON")],
  ["form_invalid", problemKind(400, "Not a form")],
  ["json_too_deep", problemKind(400, "JSON nested too deep")],
  ["fields_invalid", problemKind(422, "Fields invalid")],
  [
    "rate_limited",
    problemKind(
      429,
      "Sent too fast",
      "This provider sends faster than it may; try again after a while",
      retryAfter(1), // a refusal says what its rate wants
    ),
  ],
  ["id_conflict", problemKind(422, "Id used with another body")],
  [
    "workflow_unknown",
    problemKind(404, "Workflow unknown", "No workflow of this name can be started by this delivery"),
  ],
  ["input_invalid", problemKind(422, "Inputs invalid")],
  ["query_invalid", problemKind(422, "Query invalid")],
  ["cursor_unknown", problemKind(422, "Cursor unknown")],
  ["not_possible", problemKind(409, "Not possible in this state")],
  ["unfinished", problemKind(409, "A run is unfinished")],
  ["nothing_to_start", problemKind(409, "Nothing to start")],
  ["erased", problemKind(409, "Erased")],
  // The only 500: `Prefer: wait` asked for the outcome, and this is it.
  ["run_failed", problemKind(500, "Run failed", "The run failed; GET /runs/{run_id} says why")],
  ["run_cancelled", problemKind(500, "Run cancelled", "The run was cancelled")],
]);
