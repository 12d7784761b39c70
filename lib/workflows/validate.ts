import type { EventOrigin } from "../event.ts";
import type { AnyWorkflow, Validation } from "../workflow.ts";

/**
 * Asks a workflow whether it takes an input. A schema that throws is a fault at the whole input, so that a mistake in a
 * workflow file is an answer like any other and not our own failure; what it threw may hold the value and is dropped.
 */
export async function validateInput(
  workflow: AnyWorkflow,
  input: unknown,
  event?: EventOrigin,
): Promise<Validation<unknown>> {
  try {
    return await workflow.validate(input, event);
  } catch {
    return {
      faults: [{ pointer: "", detail: "Cannot be checked: the workflow's input schema threw an error" }],
    };
  }
}
