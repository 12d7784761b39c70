import type { Scheme } from "../scheme.ts";

/** Razorpay. Retries of old events are signed with the old secret. Source: razorpay.com/docs/webhooks, "Validate and test". */
export const razorpay: Scheme = {
  algorithm: "hmac-sha256",
  signature: { header: "x-razorpay-signature", encoding: "hex" },
  id: { header: "x-razorpay-event-id" },
  type: { body: "event" },
  replayGuard: "body",
};
