import type { Scheme } from "../scheme.ts";

/**
 * Standard Webhooks, and Svix, which came before it: `v1` is an HMAC, `v1a` an Ed25519 signature, several in one header.
 * Source: the specification at github.com/standard-webhooks/standard-webhooks; docs.svix.com.
 */
export const standardWebhooks: Scheme = {
  algorithm: "hmac-sha256",
  key: "whsec",
  signature: {
    header: "webhook-signature",
    parts: { separator: " ", assign: ",", key: { v1: "hmac-sha256", v1a: "ed25519" } },
    encoding: "base64",
  },
  families: ["webhook-", "svix-"],
  timestamp: { from: { header: "webhook-timestamp" }, unit: "s" },
  signed: "{id}.{timestamp}.{body}",
  id: { header: "webhook-id" }, // signed, and the same in every retry
  type: { body: "type" },
};
