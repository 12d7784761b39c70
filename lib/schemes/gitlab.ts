import type { Scheme } from "../scheme.ts";
import { standardWebhooks } from "./standard-webhooks.ts";

/**
 * GitLab: its signing token begins with `whsec_` and signs as Standard Webhooks do; any other secret is the old token, which
 * the header holds itself. Source: docs.gitlab.com, "Webhooks"; GitLab merge requests 230944 and 231325.
 */
export const gitlab: Scheme = {
  algorithm: "token",
  signature: { header: "x-gitlab-token", encoding: "text" },
  id: { header: "idempotency-key" },
  type: { header: "x-gitlab-event" },
  forSecrets: { prefix: "whsec_", scheme: { ...standardWebhooks, type: { header: "x-gitlab-event" } } },
};
