import type { Scheme } from "../scheme.ts";

/** Typeform: base64 behind a prefix that elsewhere means hex. Source: typeform.com/developers, "Secure your webhooks". */
export const typeform: Scheme = {
  algorithm: "hmac-sha256",
  signature: { header: "typeform-signature", prefix: "sha256=", encoding: "base64" },
  id: { body: "event_id" },
  type: { body: "event_type" },
};
