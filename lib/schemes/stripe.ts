import type { Scheme } from "../scheme.ts";

/**
 * Stripe: of the entries only `v1` counts, `v0` is a decoy of test events. The secret is text, although it begins with `whsec_`.
 * Source: docs.stripe.com/webhooks.
 */
export const stripe: Scheme = {
  algorithm: "hmac-sha256",
  signature: {
    header: "stripe-signature",
    parts: { separator: ",", assign: "=", key: "v1" },
    encoding: "hex",
  },
  timestamp: { from: { part: "t" }, unit: "s" },
  signed: "{timestamp}.{body}",
  id: { body: "id" },
  type: { body: "type" },
};
