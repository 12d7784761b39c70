import type { Scheme } from "../scheme.ts";

/** Lemon Squeezy. Source: docs.lemonsqueezy.com, "Signing requests". */
export const lemonSqueezy: Scheme = {
  algorithm: "hmac-sha256",
  signature: { header: "x-signature", encoding: "hex" },
  id: { hash: "body" },
  type: { body: "meta.event_name" }, // X-Event-Name says the same, and is not signed
  answer: { status: 200 },
};
