import type { Scheme } from "../scheme.ts";
import { hexHmac } from "./hmac.ts";

/** Asana: every subscription has a secret of its own. Source: developers.asana.com, "Webhooks guide". */
export const asana: Scheme = {
  ...hexHmac("x-hook-signature"),
  id: { hash: "body" },
  type: { join: [{ body: "events.0.resource.resource_type" }, { body: "events.0.action" }] },
  answer: { status: 200 },
  handshakes: [
    { kind: "receive-secret", from: { header: "x-hook-secret" } },
    { kind: "ping", when: { events: [] }, status: 200 }, // a heartbeat
  ],
};
