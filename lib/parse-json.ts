import { WebhookError } from "./errors.ts";

/** Levels of lists and objects in each other; far above real payloads, far below where a parser's stack ends. */
export const JSON_LEVELS_MAX = 200;

// A byte order mark is kept, and then refused: RFC 8259 has none, and the bytes that were signed stay the bytes parsed.
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * The value of a JSON body.
 *
 * @param bytes UTF-8 without a byte order mark
 * @throws {WebhookError} `json_invalid`: not UTF-8 or not JSON; `json_too_deep`: over 200 levels
 */
export function parseJson(bytes: Uint8Array): unknown {
  if (bytes.byteLength === 0) throw new WebhookError("json_invalid", "Cannot parse an empty body as JSON");
  const text = decodeText(bytes, "json_invalid");
  if (isTooDeep(bytes)) {
    throw new WebhookError("json_too_deep", `Cannot parse JSON nested over ${JSON_LEVELS_MAX} levels`);
  }
  try {
    return JSON.parse(text);
  } catch {
    // Without the cause: the parser's message quotes the body.
    throw new WebhookError("json_invalid", "Cannot parse the body: it is not JSON");
  }
}

/**
 * The text of a body. A byte order mark is part of it.
 *
 * @param code of the refusal
 * @throws {WebhookError} bytes that are not UTF-8
 */
export function decodeText(bytes: Uint8Array, code: "json_invalid" | "form_invalid"): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw new WebhookError(code, "Cannot parse the body: it is not UTF-8");
  }
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/** One pass before the parser sees it. Bytes will do: in UTF-8 no part of a longer character looks like a bracket. */
function isTooDeep(bytes: Uint8Array): boolean {
  let levels = 0;
  let isText = false;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at];
    if (isText) {
      if (byte === BACKSLASH) at++;
      else if (byte === QUOTE) isText = false;
    } else if (byte === QUOTE) isText = true;
    else if (byte === OPEN_LIST || byte === OPEN_OBJECT) {
      levels++;
      if (levels > JSON_LEVELS_MAX) return true;
    } else if (byte === CLOSE_LIST || byte === CLOSE_OBJECT) levels--;
  }
  return false;
}
