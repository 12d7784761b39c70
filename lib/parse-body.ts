import { WebhookError } from "./errors.ts";
import { encodeText } from "./json.ts";
import { decodeText, parseJson } from "./parse-json.ts";
import type { ContentType } from "./scheme.ts";

/** Fields of one form, blank ones too; providers send some fifty. */
export const FIELDS_MAX = 2_000;

/**
 * The value of a body: of JSON what it says; of a form an object of its fields, a list for a field that stands several
 * times, or, where the form is nothing but a field `payload` with a JSON object or list in it, what that says (GitHub
 * and Slack).
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
  return mediaType(contentType) === FORM ? parseForm(bytes) : JSON.parse(decodeText(bytes, "json_invalid"));
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
  const inner = name === "payload" && more.length === 0 ? tryParsePayload(text) : undefined;
  if (inner !== undefined) return inner;
  const values = new Map<string, string[]>();
  for (const [key, value] of fields) {
    const before = values.get(key);
    if (before === undefined) values.set(key, [value]);
    else before.push(value);
  }
  // Entries become own keys, also one that is called __proto__.
  return Object.fromEntries(Array.from(values, ([key, of]) => [key, of.length === 1 ? of[0] : of]));
}

/** Undefined where it is no JSON: the form is a form all the same, and is not lost for that. */
function tryParsePayload(text: string): unknown {
  return /^\s*[{[]/.test(text) ? tryParseBody(encodeText(text), "application/json") : undefined;
}

/**
 * The fields of a form in their order, blank ones too.
 *
 * @throws {WebhookError} `form_invalid`: not UTF-8, or more than `FIELDS_MAX` fields
 */
export function parseFields(bytes: Uint8Array): readonly (readonly [name: string, value: string])[] {
  // Counted before they are made: whose fields are signed is not known yet, and a MiB of `&a` is half a million of them.
  if (isOverFields(bytes))
    throw new WebhookError("form_invalid", `Cannot parse a form of more than ${FIELDS_MAX} fields`);
  // A byte order mark stays part of the first name, so that no two spellings of a form are signed alike for it.
  const text = decodeText(withSpaces(bytes), "form_invalid");
  return [...new URLSearchParams(`&${text}`)]; // a "?" at its start would be left out
}

/** A space is read as what `+` stands for, and many times as fast: of `+` alone a MiB takes URLSearchParams 0.2 s. */
function withSpaces(bytes: Uint8Array): Uint8Array {
  const spaced = new Uint8Array(bytes);
  for (let at = 0; at < spaced.length; at++) if (spaced[at] === PLUS) spaced[at] = SPACE;
  return spaced;
}

const PLUS = 0x2b;
const SPACE = 0x20;
const AMPERSAND = 0x26;

function isOverFields(bytes: Uint8Array): boolean {
  let fields = 1;
  for (let at = bytes.indexOf(AMPERSAND); at !== -1; at = bytes.indexOf(AMPERSAND, at + 1)) {
    if (++fields > FIELDS_MAX) return true;
  }
  return false;
}
