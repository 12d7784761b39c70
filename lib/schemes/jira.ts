import type { Scheme } from "../scheme.ts";
import { hexHmac } from "./hmac.ts";

/** Jira Cloud's webhooks of an administrator. Source: developer.atlassian.com, "Webhooks", "Secure admin webhooks". */
export const jira: Scheme = {
  ...hexHmac("x-hub-signature", "sha256="),
  id: { header: "x-atlassian-webhook-identifier" },
  type: { join: [{ body: "webhookEvent" }, { body: "issue_event_type_name" }] },
  replayGuard: "body",
  answer: { status: 200 },
};
