import type { Scheme } from "../scheme.ts";
import { hexHmac } from "./hmac.ts";

/** Sentry's integrations; the time in its header is not signed. Source: docs.sentry.io, "Integration platform webhooks". */
export const sentry: Scheme = {
  ...hexHmac("sentry-hook-signature"),
  id: { header: "request-id" },
  type: { join: [{ header: "sentry-hook-resource" }, { body: "action" }] },
  replayGuard: "body",
  answer: { status: 200 },
};
