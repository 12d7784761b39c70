import { WebhookError } from "../lib/errors.ts";
import { readBody } from "../lib/http/body.ts";
import { checkContentEncoding, checkContentType } from "../lib/http/content-type.ts";
import { parseJson } from "../lib/parse-json.ts";
import type { Call, RouteContext } from "./context.ts";

/**
 * The body of an admin command: an object with these keys at most, or nothing.
 *
 * @throws {WebhookError} `content_type`, `body_too_large`, `json_invalid`, `fields_invalid`
 */
export async function readOptionalObject(
  { request }: Call,
  context: RouteContext,
  keys: readonly string[],
): Promise<Record<string, unknown>> {
  checkContentEncoding(request.headers);
  const accepted = ["application/json"];
  if (request.headers.has("content-type")) checkContentType(request.headers, accepted);
  const share = context.bodies.share();
  try {
    const body = await readBody(request, context.settings.bodyBytesMax, share);
    if (body.byteLength === 0) return {};
    checkContentType(request.headers, accepted);
    return checkKeys(parseJson(body), keys);
  } finally {
    share.release();
  }
}

function checkKeys(value: unknown, keys: readonly string[]): Record<string, unknown> {
  const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
  const unknown = isObject ? Object.keys(value).find((key) => !keys.includes(key)) : undefined;
  if (isObject && unknown === undefined) return value as Record<string, unknown>;
  const detail =
    keys.length === 0
      ? "must be empty: this command takes nothing"
      : `must be an object with ${keys.join(", ")}`;
  throw new WebhookError("fields_invalid", "Cannot take this body: it does not fit", {
    faults: [{ pointer: "", detail }],
  });
}
