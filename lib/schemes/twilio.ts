import { toHex } from "../event.ts";
import { parseFields } from "../parse-body.ts";
import type { Scheme, SignedChunks, SignedParts } from "../scheme.ts";
import { sha256 } from "../sha256.ts";

/**
 * Twilio: SHA-1 over the URL and the form's fields in the order of their names, or over a URL that holds the body's SHA-256.
 * Source: twilio.com/docs/usage/security; github.com/twilio/twilio-node, src/webhooks.
 */
export const twilio: Scheme = {
  algorithm: "hmac-sha1",
  signature: { header: "x-twilio-signature", encoding: "base64" },
  signed: { of: ["url", "body"], contents },
  id: [
    { header: "i-twilio-idempotency-token" },
    { join: [{ body: "MessageSid" }, { body: "MessageStatus" }] },
    { join: [{ body: "CallStatus" }, { body: "CallSid" }] }, // a call's recordings have no status of the call
  ],
  type: [{ body: "EventType" }, { body: "MessageStatus" }, { body: "CallStatus" }, { body: "SmsStatus" }],
  answer: { status: 204 }, // a body would be read as instructions
  contentTypes: ["application/x-www-form-urlencoded", "application/json"],
};

/**
 * Both spellings of the port are tried: some of Twilio's products sign the one that goes without saying. So are both of
 * a quote in the query: Twilio signs `'`, and a URL that was parsed on its way here, as a `Request`'s is, has `%27`.
 */
function contents({ url, contentType, body }: SignedParts): readonly SignedChunks[] {
  const covered =
    contentType === "application/x-www-form-urlencoded" ? formText(body) : bodyHashText(url, body);
  if (covered === null) return [];
  const urls = new Set([url, url.replaceAll("%27", "'")].flatMap(withAndWithoutPort));
  return Array.from(urls, (spelled) => [spelled, covered]);
}

/** Every field's distinct values in order, name and value with nothing between; null for what is no form. */
function formText(body: Uint8Array): string | null {
  const values = new Map<string, Set<string>>();
  let fields: ReturnType<typeof parseFields>;
  try {
    fields = parseFields(body);
  } catch {
    return null;
  }
  for (const [name, value] of fields) values.set(name, (values.get(name) ?? new Set()).add(value));
  const names = [...values.keys()].sort();
  return names
    .map((name) =>
      [...(values.get(name) ?? [])]
        .sort()
        .map((value) => name + value)
        .join(""),
    )
    .join("");
}

/** A body that is no form is covered by its hash in the URL, and without one not at all. */
function bodyHashText(url: string, body: Uint8Array): "" | null {
  const [, query = ""] = url.split("?", 2);
  const hashes = new URLSearchParams(query).getAll("bodySHA256");
  return hashes.length === 1 && hashes[0]?.toLowerCase() === toHex(sha256(body)) ? "" : null;
}

/** As it is called first: signing takes that one. */
function withAndWithoutPort(url: string): readonly string[] {
  const match = /^(https?:\/\/[^/?#]*?)(:\d+)?(?=[/?]|$)/.exec(url);
  if (match === null) return [url];
  const [start, bare = "", port] = match;
  const usual = url.startsWith("https") ? ":443" : ":80";
  return [url, bare + (port === undefined ? usual : "") + url.slice(start.length)];
}
