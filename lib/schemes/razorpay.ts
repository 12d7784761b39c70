import type { Scheme } from "../scheme.ts";
import { hexHmac } from "./hmac.ts";

/** Razorpay. Retries of old events are signed with the old secret. Source: razorpay.com/docs/webhooks, "Validate and test". */
export const razorpay: Scheme = {
  ...hexHmac("x-razorpay-signature"),
  id: { header: "x-razorpay-event-id" },
  type: { body: "event" },
  replayGuard: "body",
};
