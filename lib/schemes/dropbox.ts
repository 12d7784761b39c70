import type { Scheme } from "../scheme.ts";
import { hexHmac } from "./hmac.ts";

/**
 * Dropbox: two equal bodies are two true notifications, so nothing is deduplicated.
 * Source: dropbox.com/developers/reference/webhooks.
 */
export const dropbox: Scheme = {
  ...hexHmac("x-dropbox-signature"),
  type: { bodyKeyBut: [] },
  answer: { status: 200 },
  handshakes: [{ kind: "echo-query", challenge: "challenge" }],
};
