import type { Scheme } from "../scheme.ts";
import { hexHmac } from "./hmac.ts";

/**
 * Meta: WhatsApp, Messenger, Instagram and the rest. One delivery may hold several entries and has no id of its own.
 * Source: developers.facebook.com, "Webhooks: getting started".
 */
export const meta: Scheme = {
  ...hexHmac("x-hub-signature-256", "sha256="),
  id: { hash: "body" },
  type: { join: [{ body: "object" }, { body: "entry.0.changes.0.field" }] },
  answer: { status: 200 },
  handshakes: [
    {
      kind: "echo-query",
      challenge: "hub.challenge",
      token: "hub.verify_token",
      constants: { "hub.mode": "subscribe" },
    },
  ],
};
