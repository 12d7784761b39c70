/** A server whose steps are recorded before they are done. */
import { brandWorkflow } from "../../../../lib/define-workflow.ts";
import type { AnyWorkflow, Step } from "../../../../lib/workflow.ts";
import { githubJourney } from "../github.ts";
import { serveCrash } from "../serve-crash.ts";
import journey from "../workflows/journey.ts";
import partnerJourney from "../workflows/partner-journey.ts";

/** A step that an earlier attempt recorded is taken as done, as ever. */
function earlyStep(step: Step): Step {
  const early = async <T>(name: string, fn: Parameters<typeof step<T>>[1]): Promise<never> => {
    let isNew = false;
    const signal = new AbortController().signal;
    const index = await step(name, () => {
      isNew = true;
      return Number(name.slice(1));
    });
    if (isNew) await fn({ signal, idempotencyKey: name });
    return index as never;
  };
  return Object.assign(early, { sleep: step.sleep });
}

function withEarlySteps(workflow: AnyWorkflow): AnyWorkflow {
  return brandWorkflow({
    ...workflow,
    run: (context) => {
      const { input, event, runId, attempt, signal, log, step } = context;
      return workflow.run({ input, event, runId, attempt, signal, log, step: earlyStep(step) });
    },
  });
}

serveCrash(({ workflowsDir: _, ...options }) => ({
  ...options,
  workflows: {
    journey: withEarlySteps(journey),
    "partner-journey": withEarlySteps(partnerJourney),
    "github-journey": withEarlySteps(githubJourney),
  },
}));
