import { WebhookError } from "../errors.ts";
import type { IncomingHeaders } from "../incoming.ts";

/**
 * Holds a request to the content types of its route.
 *
 * @param accepted media types in lower case, without parameters
 * @throws {WebhookError} `content_type`: another one, none, or a charset that is not UTF-8; `content_encoding`
 */
export function checkContentType(headers: IncomingHeaders, accepted: readonly string[]): void {
  const [type = "", ...parameters] = (headers.get("content-type") ?? "")
    .split(";")
    .map((part) => part.trim());
  if (!accepted.includes(type.toLowerCase()) || !parameters.every(isUtf8)) {
    throw new WebhookError(
      "content_type",
      `Cannot take this content type: send ${accepted.join(" or ")} in UTF-8`,
    );
  }
  checkContentEncoding(headers);
}

/** @throws {WebhookError} `content_encoding`: anything but identity, which would have to be unpacked unverified */
export function checkContentEncoding(headers: IncomingHeaders): void {
  const encoding = headers.get("content-encoding");
  if (encoding === null || encoding.trim().toLowerCase() === "identity") return;
  throw new WebhookError(
    "content_encoding",
    "Cannot take a compressed body: send it without Content-Encoding",
  );
}

/** Parameters other than the charset say nothing about JSON, and two charsets in one header are two headers. */
function isUtf8(parameter: string): boolean {
  if (!/^charset\s*(?:=|$)/i.test(parameter)) return !parameter.includes(",");
  return /^charset\s*=\s*(?:utf-8|"utf-8")$/i.test(parameter);
}
