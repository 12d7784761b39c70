import { defineWorkflow } from "../../../lib/define-workflow.ts";
import type { AnyWorkflow } from "../../../lib/workflow.ts";
import { type Journey, RETRY, travel } from "./workflows/_journey.ts";

/** No file of the folder, because only some of the servers have GitHub's secret. */
export const githubJourney: AnyWorkflow = defineWorkflow({
  on: [{ provider: "github" }],
  retry: RETRY,
  run: (context) => travel((context.input as { journey: Journey }).journey, context),
});
