import type { Answer } from "../answer.ts";
import { emptyAnswer } from "../http/headers.ts";
import type { IncomingHeaders } from "../incoming.ts";
import type { Rate } from "../rate.ts";

/** Who may send, and how fast. */
export interface PermissionGivens {
  /** DNS names in lower case. */
  readonly requestOrigins: readonly string[];
  /** null for any. */
  readonly rate: Rate | null;
}

/**
 * Allows a sender to send, where its origin is on the list. To refuse is to leave the headers out: by the specification
 * no status says it. `WebHook-Request-Callback` is never called, because a stranger would choose whom we call.
 *
 * @see https://github.com/cloudevents/spec/blob/main/cloudevents/http-webhook.md section 4.2
 */
export function answerPermission(
  headers: IncomingHeaders,
  { requestOrigins, rate }: PermissionGivens,
): Answer {
  const answer = emptyAnswer(200);
  const origin = headers.get("webhook-request-origin");
  // Spelled as it was sent, which is the same as on the list but for capitals.
  const isAllowed = origin !== null && requestOrigins.includes(origin.toLowerCase());
  const allowed = isAllowed ? { "webhook-allowed-origin": origin } : {};
  const isRateAsked = isAllowed && headers.has("webhook-request-rate");
  const allowedRate = isRateAsked ? { "webhook-allowed-rate": perMinute(rate) } : {};
  return { ...answer, headers: { ...answer.headers, allow: "POST", ...allowed, ...allowedRate } };
}

/** Requests per minute; `*` for no limit. The specification has no number below 1. */
function perMinute(rate: Rate | null): string {
  return rate === null ? "*" : String(Math.max(1, Math.floor((rate.count * 60_000) / rate.perMs)));
}
