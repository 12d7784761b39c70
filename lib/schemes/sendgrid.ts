import type { Scheme } from "../scheme.ts";

/**
 * SendGrid's event webhook: ECDSA, verified with the public key of its settings page.
 * Source: twilio.com/docs/sendgrid, "Event webhook security features".
 */
export const sendgrid: Scheme = {
  algorithm: "ecdsa-p256-sha256",
  key: "spki",
  signature: { header: "x-twilio-email-event-webhook-signature", encoding: "base64" },
  timestamp: { from: { header: "x-twilio-email-event-webhook-timestamp" }, unit: "s", toleranceMs: 600_000 },
  signed: "{timestamp}{body}",
  id: { hash: "body" }, // of the batch
  type: { body: "0.event" },
};
