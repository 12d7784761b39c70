import type { Scheme } from "../scheme.ts";

/**
 * Notion: the key is the verification token that it sends when the webhook is made.
 * Source: developers.notion.com/reference/webhooks.
 */
export const notion: Scheme = {
  algorithm: "hmac-sha256",
  signature: { header: "x-notion-signature", prefix: "sha256=", encoding: "hex" },
  id: { body: "id" },
  type: { body: "type" },
  secretKeys: ["verification_token"], // where unsigned deliveries are allowed, the handshake is one of them
  handshakes: [{ kind: "receive-secret", from: { body: "verification_token" } }],
};
