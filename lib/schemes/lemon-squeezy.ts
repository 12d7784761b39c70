import type { Scheme } from "../scheme.ts";

/** Lemon Squeezy. Source: docs.lemonsqueezy.com, "Signing requests". */
export const lemonSqueezy: Scheme = {
  algorithm: "hmac-sha256",
  signature: { header: "x-signature", encoding: "hex" },
  id: { hash: "body" },
  type: [{ header: "x-event-name" }, { body: "meta.event_name" }],
  answer: { status: 200 },
};
