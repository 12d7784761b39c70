import type { Scheme } from "../scheme.ts";
import { hexHmac } from "./hmac.ts";

/** Coinbase Commerce. Source: docs.cdp.coinbase.com, "Commerce webhooks". */
export const coinbaseCommerce: Scheme = {
  ...hexHmac("x-cc-webhook-signature"),
  id: { body: "event.id" }, // the outer id is the delivery's
  type: { body: "event.type" },
  answer: { status: 200 },
};
