import type { Scheme } from "../scheme.ts";
import { hexHmac } from "./hmac.ts";

/** Zoom. Source: developers.zoom.us, "Using webhooks". */
export const zoom: Scheme = {
  ...hexHmac("x-zm-signature", "v0="),
  timestamp: { from: { header: "x-zm-request-timestamp" }, unit: "s" },
  signed: "v0:{timestamp}:{body}",
  id: { hash: "body" },
  type: { body: "event" },
  answer: { status: 200 },
  // Again every 72 hours or so.
  handshakes: [
    {
      kind: "mac-body",
      when: { event: "endpoint.url_validation" },
      token: "payload.plainToken",
      answer: { token: "plainToken", mac: "encryptedToken" },
    },
  ],
};
