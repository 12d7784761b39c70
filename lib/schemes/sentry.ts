import type { Scheme } from "../scheme.ts";

/** Sentry's integrations; the time in its header is not signed. Source: docs.sentry.io, "Integration platform webhooks". */
export const sentry: Scheme = {
  algorithm: "hmac-sha256",
  signature: { header: "sentry-hook-signature", encoding: "hex" },
  id: { header: "request-id" },
  type: { join: [{ header: "sentry-hook-resource" }, { body: "action" }] },
  replayGuard: "body",
  answer: { status: 200 },
};
