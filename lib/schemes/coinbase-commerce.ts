import type { Scheme } from "../scheme.ts";

/** Coinbase Commerce. Source: docs.cdp.coinbase.com, "Commerce webhooks". */
export const coinbaseCommerce: Scheme = {
  algorithm: "hmac-sha256",
  signature: { header: "x-cc-webhook-signature", encoding: "hex" },
  id: { body: "event.id" }, // the outer id is the delivery's
  type: { body: "event.type" },
  answer: { status: 200 },
};
