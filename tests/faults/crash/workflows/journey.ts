/** A journey that the inputs describe. */
import { defineWorkflow } from "latchhook";
import { type Journey, RETRY, travel } from "./_journey.ts";

export default defineWorkflow({
  retry: RETRY,
  run: (context) => travel(context.input as Journey, context),
});
