/** One fault of an input: where it is (a JSON Pointer, RFC 6901) and what to do. Never the value itself. */
export interface Fault {
  pointer: string;
  detail: string;
}

/** Faults in one line; `whole` is what the input as a whole is called. */
export function faultsText(faults: readonly Fault[], whole: string): string {
  return faults.map(({ pointer, detail }) => `${pointer || whole}: ${detail}`).join("; ");
}

/**
 * A refusal. `code` is stable and machine-readable; the message names the action, the bound and the way out.
 * Rooms throw codes, and `http/problem.ts` alone turns them into statuses.
 */
export class WebhookError extends Error {
  override name = "WebhookError";
  readonly code: string;
  /** What is wrong with the input, one entry a fault; empty where the refusal is about something else. */
  readonly faults: readonly Fault[];

  constructor(code: string, message: string, options: { cause?: unknown; faults?: readonly Fault[] } = {}) {
    super(message, "cause" in options ? { cause: options.cause } : undefined);
    this.code = code;
    this.faults = options.faults ?? [];
  }
}

/**
 * Why a signature does not hold. For logs and counters; the answer to the sender is the same for all. `no_url`: the
 * scheme signs the public URL, and none is known.
 */
export type SignatureReason = "no_secret" | "no_url" | "missing" | "malformed" | "mismatch" | "stale";

/**
 * The signature is missing, malformed or fits none of the secrets. `reason` says which, for logs only.
 * It has no stack: whoever floods a server with forgeries would have it draw one for each.
 */
export class InvalidSignatureError extends WebhookError {
  override name = "InvalidSignatureError";
  readonly reason: SignatureReason;

  constructor(reason: SignatureReason, message = "Cannot accept the delivery: its signature does not hold") {
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0;
    super("signature_invalid", message);
    Error.stackTraceLimit = stackTraceLimit;
    this.reason = reason;
  }
}

/** The id was taken already: this delivery is a copy of one that was processed. */
export class ReplayAttackError extends WebhookError {
  override name = "ReplayAttackError";
  readonly webhookId: string;
  readonly provider: string;

  constructor(webhookId: string, provider: string) {
    super("replayed", `Cannot process webhook_id ${JSON.stringify(webhookId)} of ${provider} again`);
    this.webhookId = webhookId;
    this.provider = provider;
  }
}

/** What a thrown value says, whatever was thrown: it may be an error whose message is a getter that throws. */
export function messageOf(thrown: unknown): string {
  try {
    if (typeof thrown !== "object" || thrown === null) return String(thrown);
    // Also what is no Error: one of another realm, or an object that was made in a hurry.
    const { message, name } = thrown as { message?: unknown; name?: unknown };
    const said = [message, name].find((text): text is string => typeof text === "string" && text !== "");
    return said ?? String(thrown);
  } catch {
    return "a value that cannot be shown was thrown";
  }
}
