import type { Scheme } from "../scheme.ts";
import { hexHmac } from "./hmac.ts";

/** Linear: the signed time stands in the body. Source: linear.app/developers/webhooks. */
export const linear: Scheme = {
  ...hexHmac("linear-signature"),
  timestamp: { from: { body: "webhookTimestamp" }, unit: "ms", toleranceMs: 60_000 },
  id: { header: "linear-delivery" },
  type: { join: [{ body: "type" }, { body: "action" }] },
  answer: { status: 200 },
};
