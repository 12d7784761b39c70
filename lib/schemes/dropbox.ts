import type { Scheme } from "../scheme.ts";

/**
 * Dropbox: two equal bodies are two true notifications, so nothing is deduplicated.
 * Source: dropbox.com/developers/reference/webhooks.
 */
export const dropbox: Scheme = {
  algorithm: "hmac-sha256",
  signature: { header: "x-dropbox-signature", encoding: "hex" },
  type: { bodyKeyBut: [] },
  answer: { status: 200 },
  handshakes: [{ kind: "echo-query", challenge: "challenge" }],
};
