import type { Scheme } from "../scheme.ts";

/**
 * Paddle Billing. Its own library allows five seconds, which a clock that is a little off does not keep.
 * Source: developer.paddle.com, "Signature verification".
 */
export const paddle: Scheme = {
  algorithm: "hmac-sha256",
  signature: {
    header: "paddle-signature",
    parts: { separator: ";", assign: "=", key: "h1" },
    encoding: "hex",
  },
  timestamp: { from: { part: "ts" }, unit: "s" },
  signed: "{timestamp}:{body}",
  id: { body: "event_id" },
  type: { body: "event_type" },
  answer: { status: 200 },
};
