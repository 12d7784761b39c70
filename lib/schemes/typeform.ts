import type { Scheme } from "../scheme.ts";
import { base64Hmac } from "./hmac.ts";

/** Typeform: base64 behind a prefix that elsewhere means hex. Source: typeform.com/developers, "Secure your webhooks". */
export const typeform: Scheme = {
  ...base64Hmac("typeform-signature", "sha256="),
  id: { body: "event_id" },
  type: { body: "event_type" },
};
