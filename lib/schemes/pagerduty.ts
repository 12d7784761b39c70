import type { Scheme } from "../scheme.ts";

/**
 * PagerDuty v3: several signatures while a secret is rotated.
 * Source: developer.pagerduty.com, "Webhooks v3: signatures".
 */
export const pagerduty: Scheme = {
  algorithm: "hmac-sha256",
  signature: {
    header: "x-pagerduty-signature",
    parts: { separator: ",", assign: "=", key: "v1" },
    encoding: "hex",
  },
  id: { body: "event.id" },
  type: { body: "event.event_type" },
};
