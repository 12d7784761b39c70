import type { Answer } from "../answer.ts";

/** What every answer carries. */
export const STANDARD_HEADERS: Readonly<Record<string, string>> = {
  "cache-control": "no-store",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
};

/** RFC 8259: JSON is UTF-8, and the type has no charset. */
const JSON_HEADERS: Readonly<Record<string, string>> = {
  "content-type": "application/json",
  ...STANDARD_HEADERS,
};

/** An answer with the standard headers and a JSON body. */
export function jsonAnswer(
  status: number,
  value: unknown,
  headers: Readonly<Record<string, string>> = {},
): Answer {
  return { status, headers: { ...JSON_HEADERS, ...headers }, body: JSON.stringify(value) };
}

/** An answer with the standard headers and plain text, which `nosniff` keeps from being read as anything else. */
export function textAnswer(status: number, text: string): Answer {
  return { status, headers: { "content-type": "text/plain", ...STANDARD_HEADERS }, body: text };
}

/** An answer with the standard headers and no body. */
export function emptyAnswer(status: number): Answer {
  return { status, headers: STANDARD_HEADERS, body: null };
}
