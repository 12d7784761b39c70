import type { RunContext } from "../workflow.ts";
import { FatalError } from "../workflow-errors.ts";
import { type Fields, type State, typeFaults } from "./fields.ts";

/** A flow that was read and checked. */
export interface Flow {
  readonly fields: Fields;
  /** In the order in which they run. */
  readonly nodes: readonly FlowNode[];
}

/** A node that is ready to run. */
export interface FlowNode {
  readonly id: string;
  /** The fields that it writes, from the state before it. */
  run(state: State): Record<string, unknown>;
}

/**
 * Runs a flow: each node as the step of its id, so that a finished one is not run again after a crash.
 *
 * @param context its input is the first state, as `initialState` gave it
 * @returns the final state
 * @throws {FatalError} a node's output that does not fit its field: the same state gives the same output each time
 */
export async function walkFlow(flow: Flow, context: RunContext<unknown>): Promise<State> {
  let state = context.input as State;
  for (const node of flow.nodes) {
    const before = state;
    const output = await context.step(node.id, () => checkOutput(flow.fields, node, node.run(before)));
    state = { ...before, ...output };
  }
  return state;
}

function checkOutput(
  fields: Fields,
  node: FlowNode,
  output: Record<string, unknown>,
): Record<string, unknown> {
  for (const [name, value] of Object.entries(output)) {
    const field = fields.get(name);
    const fault = field === undefined ? undefined : typeFaults(field.type, value)[0];
    if (fault !== undefined) {
      const where = `${name}${fault.pointer}`;
      throw new FatalError(
        `Cannot write field ${JSON.stringify(where)} in node ${JSON.stringify(node.id)}: ${fault.detail.replace("Expected", "expected")}`,
      );
    }
  }
  return output;
}
