import type { Scheme } from "../scheme.ts";

/** Asana: every subscription has a secret of its own. Source: developers.asana.com, "Webhooks guide". */
export const asana: Scheme = {
  algorithm: "hmac-sha256",
  signature: { header: "x-hook-signature", encoding: "hex" },
  id: { hash: "body" },
  type: { join: [{ body: "events.0.resource.resource_type" }, { body: "events.0.action" }] },
  answer: { status: 200 },
  handshakes: [
    { kind: "receive-secret", from: { header: "x-hook-secret" } },
    { kind: "ping", when: { events: [] }, status: 200 }, // a heartbeat
  ],
};
