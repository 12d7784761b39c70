import type { Scheme } from "../scheme.ts";
import { hexHmac } from "./hmac.ts";

/**
 * Notion: the key is the verification token that it sends when the webhook is made.
 * Source: developers.notion.com/reference/webhooks.
 */
export const notion: Scheme = {
  ...hexHmac("x-notion-signature", "sha256="),
  id: { body: "id" },
  type: { body: "type" },
  secretKeys: ["verification_token"], // where unsigned deliveries are allowed, the handshake is one of them
  handshakes: [{ kind: "receive-secret", from: { body: "verification_token" } }],
};
