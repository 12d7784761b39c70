import type { Scheme } from "../scheme.ts";

/** Our own: hex HMAC-SHA256 over the body in `X-Signature`, with `sha256=` before it or not. */
export const generic: Scheme = {
  algorithm: "hmac-sha256",
  signature: { header: "x-signature", prefix: "sha256=", prefixOptional: true, encoding: "hex" },
  id: { body: "webhook_id" }, // signed; the Idempotency-Key header stands in where the body has none
  type: { body: "workflow_name" },
};
