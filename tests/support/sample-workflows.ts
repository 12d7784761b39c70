import * as v from "valibot";
import { defineWorkflow } from "../../lib/define-workflow.ts";
import type { AnyWorkflow } from "../../lib/workflow.ts";
import { FatalError } from "../../lib/workflow-errors.ts";

/** What a failed run says, which no sender may read. */
export const BROKEN_BECAUSE = "the database behind the workflow is on fire";

/** Workflows for every way that a run can go. None has `on`. */
export const sampleWorkflows: Readonly<Record<string, AnyWorkflow>> = {
  write: defineWorkflow({
    description: "Writes about a topic",
    input: v.object({ topic: v.string() }),
    concurrency: 4,
    run: async ({ input, step }) => ({ text: await step("write", () => `About ${input.topic}`) }),
  }),
  any: defineWorkflow({ run: () => null }),
  /** Runs until it is cancelled. */
  hold: defineWorkflow({
    run: ({ signal }) =>
      new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
  }),
  broken: defineWorkflow({
    run() {
      throw new FatalError(BROKEN_BECAUSE);
    },
  }),
};
