import { defineWorkflow } from "../../../lib/define-workflow.ts";
import type { Scheme } from "../../../lib/scheme.ts";
import type { AnyWorkflow } from "../../../lib/workflow.ts";
import { type Journey, RETRY, travel } from "./workflows/_journey.ts";

/** How GitHub signs and names its deliveries. Source: docs.github.com, "Validating webhook deliveries". */
export const github: Scheme = {
  algorithm: "hmac-sha256",
  signature: { header: "x-hub-signature-256", prefix: "sha256=", encoding: "hex" },
  id: { header: "x-github-delivery" },
  type: { header: "x-github-event" },
};

/** No file of the folder, because only a server that knows the scheme may have a workflow that waits for it. */
export const githubJourney: AnyWorkflow = defineWorkflow({
  on: [{ provider: "github" }],
  retry: RETRY,
  run: (context) => travel((context.input as { journey: Journey }).journey, context),
});
