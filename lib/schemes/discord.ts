import type { Scheme } from "../scheme.ts";

/**
 * Discord's interactions and webhook events: Ed25519, verified with the application's public key.
 * Source: docs.discord.com, "Interactions overview", "Webhook events".
 */
export const discord: Scheme = {
  algorithm: "ed25519",
  key: "hex",
  signature: { header: "x-signature-ed25519", encoding: "hex" },
  timestamp: { from: { header: "x-signature-timestamp" }, unit: "s" },
  signed: "{timestamp}{body}",
  id: [{ body: "id" }, { hash: "body" }], // webhook events have no id
  type: [{ body: "event.type" }, { join: [{ body: "type" }, { body: "data.name" }] }],
  answer: { status: 204 },
  // A webhook event has the type 1, too, and its `event` beside it; its ping has the type 0. Discord also sends wrongly
  // signed ones, which have to get 401.
  handshakes: [
    { kind: "ping", when: { type: 1 }, without: ["event"], status: 200, json: { type: 1 } },
    { kind: "ping", when: { type: 0 }, without: ["event"], status: 204 },
  ],
};
