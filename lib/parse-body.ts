import { WebhookError } from "./errors.ts";
import { encodeText } from "./json.ts";
import { parseJson } from "./parse-json.ts";
import type { ContentType } from "./scheme.ts";

/** Fields of one form; providers send some fifty. */
const FIELDS_MAX = 2_000;

const utf8 = new TextDecoder("utf-8", { fatal: true });

/**
 * The value of a body: of JSON what it says; of a form an object of its fields, a list for a field that stands several
 * times, or, where the form is nothing but a field `payload` with JSON in it, what that says (GitHub and Slack).
 *
 * @param contentType as the header has it
 * @throws {WebhookError} `json_invalid`, `json_too_deep`, `form_invalid`
 */
export function parseBody(bytes: Uint8Array, contentType: string): unknown {
  return mediaType(contentType) === FORM ? parseForm(bytes) : parseJson(bytes);
}

/**
 * The value of a body that was parsed before it was stored, so that its levels and its UTF-8 are known to be right.
 */
export function parseStoredBody(bytes: Uint8Array, contentType: string): unknown {
  return mediaType(contentType) === FORM ? parseForm(bytes) : JSON.parse(utf8.decode(bytes));
}

/** What `parseBody` gives, and undefined for a body that does not parse. */
export function tryParseBody(bytes: Uint8Array, contentType: string): unknown {
  try {
    return parseBody(bytes, contentType);
  } catch (error) {
    if (error instanceof WebhookError) return undefined;
    throw error;
  }
}

/** A content type in lower case and without parameters. */
export function mediaType(contentType: string): string {
  return contentType.replace(/;.*$/s, "").trim().toLowerCase();
}

const FORM: ContentType = "application/x-www-form-urlencoded";

function parseForm(bytes: Uint8Array): unknown {
  const fields = parseFields(bytes);
  const [[name, text] = ["", ""], ...more] = fields;
  if (name === "payload" && more.length === 0 && /^\s*[{[]/.test(text)) return parseJson(encodeText(text));
  const values = new Map<string, string | string[]>();
  for (const [key, value] of fields) {
    const before = values.get(key);
    values.set(key, before === undefined ? value : [before, value].flat());
  }
  // Entries become own keys, also one that is called __proto__.
  return Object.fromEntries(values);
}

/**
 * The fields of a form in their order, blank ones too.
 *
 * @throws {WebhookError} `form_invalid`: not UTF-8, or too many fields
 */
export function parseFields(bytes: Uint8Array): readonly (readonly [name: string, value: string])[] {
  let text: string;
  try {
    text = utf8.decode(bytes);
  } catch {
    throw new WebhookError("form_invalid", "Cannot parse the body: it is not UTF-8");
  }
  const fields = [...new URLSearchParams(text)];
  if (fields.length <= FIELDS_MAX) return fields;
  throw new WebhookError("form_invalid", `Cannot parse a form of more than ${FIELDS_MAX} fields`);
}
