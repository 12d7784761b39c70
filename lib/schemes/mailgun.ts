import type { Scheme } from "../scheme.ts";
import { readPath } from "../verify/read.ts";

/**
 * Mailgun: signature, time and token stand in the body, and the event itself is not signed. So each token counts once.
 * Source: documentation.mailgun.com, "Securing webhooks".
 */
export const mailgun: Scheme = {
  algorithm: "hmac-sha256",
  signature: { body: "signature.signature", encoding: "hex" },
  timestamp: { from: { body: "signature.timestamp" }, unit: "s", toleranceMs: 28_800_000 }, // retries come for 8 h
  signed: {
    of: ["timestamp"],
    contents: ({ timestamp, value }) => {
      const token = readPath(value, "signature.token");
      return token === null || !/^[\w-]{16,128}$/.test(token) ? [] : [[timestamp, token]];
    },
  },
  replayGuard: { body: "signature.token" },
  id: { body: "event-data.id" },
  type: { body: "event-data.event" },
  answer: { status: 200 }, // 406 ends the retries, and any other status has it sent again
};
