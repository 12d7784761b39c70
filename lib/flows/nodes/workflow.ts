import * as v from "valibot";
import { faultsText } from "../../errors.ts";
import { hooksOf, withHooks } from "../../step-hooks.ts";
import { asJson } from "../../stored-result.ts";
import { type AnyWorkflow, type RunContext, type Step, WORKFLOW_NAME } from "../../workflow.ts";
import { FatalError } from "../../workflow-errors.ts";
import { show } from "../fault.ts";
import { inNode } from "../in-node.ts";
import type { NodeContext, NodeKind } from "../node-kind.ts";
import { WHOLE } from "../outputs.ts";
import { secretHider } from "../secret-hider.ts";
import { compileTemplates } from "../template.ts";

/**
 * Runs another workflow in the same attempt with the node's inputs. Its steps are remembered one by one under
 * `NODE/STEP`, and once it has ended its result is, so that nothing of it runs again.
 */
export const workflow: NodeKind<string> = {
  form: v.pipe(
    v.string("give the name of a workflow"),
    v.regex(WORKFLOW_NAME, "give the name of a workflow: its file's, without the ending"),
    v.description("The name of another workflow, which runs as a part of this one with the node's inputs"),
  ),
  options: {},
  isGroup: true,
  partsOf: () => WHOLE,
  check() {},
  prepare(name, node, { host }) {
    const fill = compileTemplates(node.inputs ?? {});
    const what = `run workflow ${show(name)} in node ${show(node.id)}`;
    return async (context) => {
      const child = host.findWorkflow(name);
      if (child === undefined) throw new Error(`Cannot ${what}: there is none of this name here`);
      const inputs: unknown = structuredClone(fill(context.values));
      const validation = await child.validate(inputs);
      if ("faults" in validation) {
        const faults = faultsText(validation.faults, "the inputs");
        throw new FatalError(`Cannot ${what} with these inputs: ${faults}`);
      }
      const hide = secretHider(Object.values(context.values.env));
      const told = (error: unknown): unknown => inNode(error, what, context.signal, hide);
      const result = await runChild(child, validation.value, context, told).catch((error: unknown) => {
        throw told(error);
      });
      return { result: asJson(result) };
    };
  },
};

async function runChild(
  child: AnyWorkflow,
  input: unknown,
  context: NodeContext,
  told: (error: unknown) => unknown,
): Promise<unknown> {
  const { event, log, runId, attempt } = context.run;
  return await child.run({
    input,
    event,
    log,
    runId,
    attempt,
    step: prefixed(context.run.step, context.stepName, told),
    get signal() {
      return context.signal;
    },
  } satisfies RunContext<unknown>);
}

/** The same steps, with names and failures of their own. */
function prefixed(step: Step, prefix: string, told: (error: unknown) => unknown): Step {
  const nameOf = (name: string): string => `${prefix}/${name}`;
  const own = ((name, fn) => step(nameOf(name), fn)) as Step;
  own.sleep = (name, duration) => step.sleep(nameOf(name), duration);
  const { group, fail } = hooksOf(step);
  return withHooks(own, {
    group: (name, fn) => group(nameOf(name), fn),
    fail: (error) => fail(told(error)),
  });
}
