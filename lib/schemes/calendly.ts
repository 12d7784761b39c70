import type { Scheme } from "../scheme.ts";

/** Calendly. Source: developer.calendly.com, "Webhook signatures". */
export const calendly: Scheme = {
  algorithm: "hmac-sha256",
  signature: {
    header: "calendly-webhook-signature",
    parts: { separator: ",", assign: "=", key: "v1" },
    encoding: "hex",
  },
  timestamp: { from: { part: "t" }, unit: "s" },
  signed: "{timestamp}.{body}",
  id: { hash: "body" }, // what is updated twice has the same uri in both events
  type: { body: "event" },
};
