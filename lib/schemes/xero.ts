import type { Scheme } from "../scheme.ts";
import { base64Hmac } from "./hmac.ts";

/** Xero: the key is text, although it looks like base64. Source: developer.xero.com, "Configuring your server". */
export const xero: Scheme = {
  ...base64Hmac("x-xero-signature"),
  id: { hash: "body" },
  type: { join: [{ body: "events.0.eventCategory" }, { body: "events.0.eventType" }] },
  answer: { status: 200, body: "empty" },
  refusal: "empty",
  // "Intent to receive": some of them are wrongly signed, and have to get 401.
  handshakes: [{ kind: "ping", when: { events: [] }, status: 200 }],
};
