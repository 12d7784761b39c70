import type { Scheme } from "../scheme.ts";
import { hexHmac } from "./hmac.ts";

/** Bitbucket Cloud. Source: support.atlassian.com, "Manage webhooks". */
export const bitbucket: Scheme = {
  ...hexHmac("x-hub-signature", "sha256="),
  id: { header: "x-request-uuid" },
  type: { header: "x-event-key" },
  replayGuard: "body",
};
