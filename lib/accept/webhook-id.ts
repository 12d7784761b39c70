import { WebhookError } from "../errors.ts";

/** The longest webhook_id, in characters (code points). */
export const WEBHOOK_ID_CHARACTERS_MAX = 255;

/**
 * The webhook_id that a body gives.
 *
 * @param value what stands in its place; `undefined` and `null` mean that there is none
 * @param pointer where that is, for the fault
 * @returns 1 to 255 characters without control characters and half surrogates; null where there is none
 * @throws {WebhookError} `fields_invalid` for anything else
 */
export function parseWebhookId(value: unknown, pointer = "/webhook_id"): string | null {
  if (value === undefined || value === null) return null;
  if (typeof value !== "string") throw refusal(pointer, "must be a string");
  return checkWebhookId(value, pointer);
}

/**
 * The webhook_id that an `Idempotency-Key` header gives, bare or as a quoted string (RFC 8941, section 3.3.3).
 *
 * @param header as `Headers.get` has it: two headers show as `a, b`, and are refused
 * @returns null where there is none
 * @throws {WebhookError} `fields_invalid` at `/webhook_id`
 */
export function parseIdempotencyKey(header: string | null): string | null {
  if (header === null) return null;
  const quoted = /^"((?:[ !#-[\]-~]|\\["\\])*)"$/.exec(header)?.[1];
  if (quoted !== undefined) return checkWebhookId(quoted.replace(/\\(["\\])/g, "$1"), POINTER);
  if (!/^[!#-+\--~]+$/.test(header)) {
    throw refusal(
      POINTER,
      "Idempotency-Key must be one key of visible ASCII; quote one with spaces or commas",
    );
  }
  return checkWebhookId(header, POINTER);
}

/** True where a text is too long to be a webhook_id. */
export function isLongWebhookId(text: string): boolean {
  // A character has one or two units, so most texts need no counting.
  if (text.length <= WEBHOOK_ID_CHARACTERS_MAX) return false;
  if (text.length > WEBHOOK_ID_CHARACTERS_MAX * 2) return true;
  return Array.from(text).length > WEBHOOK_ID_CHARACTERS_MAX;
}

const POINTER = "/webhook_id";
const VISIBLE_ASCII = /^[ -~]*$/;

function checkWebhookId(text: string, pointer: string): string {
  if (text === "") throw refusal(pointer, "must not be empty");
  if (isLongWebhookId(text))
    throw refusal(pointer, `must have at most ${WEBHOOK_ID_CHARACTERS_MAX} characters`);
  if (VISIBLE_ASCII.test(text)) return text; // most are, and need no look at Unicode's classes
  if (/\p{Cc}/u.test(text)) throw refusal(pointer, "must have no control characters");
  // Half a surrogate pair has no UTF-8, and two different ids would be stored as the same replacement character.
  if (/\p{Cs}/u.test(text)) throw refusal(pointer, "must be well-formed Unicode");
  return text;
}

function refusal(pointer: string, detail: string): WebhookError {
  return new WebhookError("fields_invalid", "Cannot accept the delivery: its webhook_id is not usable", {
    faults: [{ pointer, detail }],
  });
}
