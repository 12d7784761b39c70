import type { Scheme } from "../scheme.ts";

/** Jira Cloud's webhooks of an administrator. Source: developer.atlassian.com, "Webhooks", "Secure admin webhooks". */
export const jira: Scheme = {
  algorithm: "hmac-sha256",
  signature: { header: "x-hub-signature", prefix: "sha256=", encoding: "hex" },
  id: { header: "x-atlassian-webhook-identifier" },
  type: { join: [{ body: "webhookEvent" }, { body: "issue_event_type_name" }] },
  replayGuard: "body",
  answer: { status: 200 },
};
