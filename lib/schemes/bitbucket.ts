import type { Scheme } from "../scheme.ts";

/** Bitbucket Cloud. Source: support.atlassian.com, "Manage webhooks". */
export const bitbucket: Scheme = {
  algorithm: "hmac-sha256",
  signature: { header: "x-hub-signature", prefix: "sha256=", encoding: "hex" },
  id: { header: "x-request-uuid" },
  type: { header: "x-event-key" },
  replayGuard: "body",
};
