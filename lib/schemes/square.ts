import type { Scheme } from "../scheme.ts";
import { base64Hmac } from "./hmac.ts";

/**
 * Square signs its notification URL as it was registered, then the body.
 * Source: developer.squareup.com, "Verify and validate an event notification".
 */
export const square: Scheme = {
  ...base64Hmac("x-square-hmacsha256-signature"),
  signed: "{url}{body}",
  id: { body: "event_id" },
  type: { body: "type" },
};
