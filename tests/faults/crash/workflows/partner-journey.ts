/** The same for a provider's event, which says in each delivery how many more it will make. */
import { defineWorkflow } from "latchhook";
import { type Journey, RETRY, travel } from "./_journey.ts";

export default defineWorkflow({
  on: [{ provider: "partner" }],
  retry: RETRY,
  run: (context) => travel((context.input as { journey: Journey }).journey, context),
});
