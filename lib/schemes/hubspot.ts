import { toHex } from "../event.ts";
import { encodeText } from "../json.ts";
import type { Scheme } from "../scheme.ts";
import { sha256 } from "../sha256.ts";
import { readPath } from "../verify/read.ts";
import { base64Hmac } from "./hmac.ts";

/**
 * HubSpot v3: method, URL, body and time. The older signatures are open to length extension and not taken.
 * Source: developers.hubspot.com, "Validating requests".
 */
export const hubspot: Scheme = {
  ...base64Hmac("x-hubspot-signature-v3"),
  timestamp: { from: { header: "x-hubspot-request-timestamp" }, unit: "ms" },
  signed: {
    of: ["method", "url", "body", "timestamp"],
    contents: ({ method, url, body, timestamp }) => [[method, decodeUrl(url), body, timestamp]],
  },
  id: eventIds,
  type: { body: "0.subscriptionType" },
};

/** HubSpot signs `!$'()*,/:;?@` as they are, and not as the URL spells them. The `?` that opens the query is never spelled. */
const DECODED = /%(?:2[147-9ACF]|3[ABF]|40)/gi;

function decodeUrl(url: string): string {
  return url.replace(DECODED, decodeURIComponent);
}

/** A retry counts up a field in the body, and one event's id alone is not unique; so the batch is known by its events. */
function eventIds(body: unknown): string | null {
  if (!Array.isArray(body) || body.length === 0) return null;
  const ids = body.map((one: unknown) =>
    ["eventId", "subscriptionId", "occurredAt"].map((key) => readPath(one, key) ?? "").join(":"),
  );
  return `sha256:${toHex(sha256(encodeText(ids.sort().join("\n"))))}`;
}
