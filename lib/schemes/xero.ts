import type { Scheme } from "../scheme.ts";

/** Xero: the key is text, although it looks like base64. Source: developer.xero.com, "Configuring your server". */
export const xero: Scheme = {
  algorithm: "hmac-sha256",
  signature: { header: "x-xero-signature", encoding: "base64" },
  id: { hash: "body" },
  type: { join: [{ body: "events.0.eventCategory" }, { body: "events.0.eventType" }] },
  answer: { status: 200, body: "empty" },
  refusal: "empty",
  // "Intent to receive": some of them are wrongly signed, and have to get 401.
  handshakes: [{ kind: "ping", when: { events: [] }, status: 200 }],
};
