import type { RunContext } from "../../workflow.ts";
import { show } from "../fault.ts";

/** The most calls in one run of a node: what a model does not find in twenty searches it does not find. */
export const CALLS_MAX = 20;

/** The calls that the model of a node has made in one run of the node, within one attempt. */
export class NodeCalls {
  readonly #stepName: string;
  readonly #answers = new Map<string, Promise<string>>();
  #count = 0;

  constructor(stepName: string) {
    this.#stepName = stepName;
  }

  /**
   * The answer to a call that was made before, or that of `call`: a step's name can be used once in an attempt.
   *
   * @param name of the call's step
   * @throws {Error} one call above `CALLS_MAX`, also of one that was made before: the model goes round in a circle
   */
  answer(name: string, call: () => Promise<string>): Promise<string> {
    if (++this.#count > CALLS_MAX) {
      throw new Error(
        `Cannot call tools more than ${CALLS_MAX} times in ${show(this.#stepName)}: say in the prompt when to stop`,
      );
    }
    const before = this.#answers.get(name);
    if (before !== undefined) return before;
    const answer = call();
    this.#answers.set(name, answer);
    return answer;
  }
}

/** Finds the calls of an attempt and a step; they are forgotten with the attempt. */
export function nodeCalls(): (context: { run: RunContext<unknown>; stepName: string }) => NodeCalls {
  const runs = new WeakMap<RunContext<unknown>, Map<string, NodeCalls>>();
  return ({ run, stepName }) => {
    const steps = runs.get(run) ?? new Map<string, NodeCalls>();
    runs.set(run, steps);
    const calls = steps.get(stepName) ?? new NodeCalls(stepName);
    steps.set(stepName, calls);
    return calls;
  };
}
