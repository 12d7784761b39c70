import type { Scheme } from "../scheme.ts";

/**
 * Square signs its notification URL as it was registered, then the body.
 * Source: developer.squareup.com, "Verify and validate an event notification".
 */
export const square: Scheme = {
  algorithm: "hmac-sha256",
  signature: { header: "x-square-hmacsha256-signature", encoding: "base64" },
  signed: "{url}{body}",
  id: { body: "event_id" },
  type: { body: "type" },
};
