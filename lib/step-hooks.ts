import type { Stored } from "./json.ts";
import type { Step, StepContext } from "./workflow.ts";

/** What a runner's `step` can do for flows beyond what code is given. */
export interface StepHooks {
  /**
   * A step whose function takes steps and sleeps of its own, named `NAME/...`. Its result is remembered like any step's,
   * but an attempt whose groups all sleep may fall asleep, which a plain step under way holds off.
   */
  readonly group: GroupStep;
  /**
   * The attempt has failed: no step and no group begins any more, but for what a step under way calls `NAME/...`, and
   * those that have begun are waited for. What would begin waits for the attempt's end. Where its time runs out
   * meanwhile, this is why it ended.
   *
   * @returns what it failed with first, once they have ended
   */
  readonly fail: (error: unknown) => Promise<unknown>;
}

export type GroupStep = <T>(name: string, fn: GroupFunction<T>) => Promise<Stored<T>>;

/** What a group runs. */
export type GroupFunction<T = unknown> = (context: Pick<StepContext, "idempotencyKey">) => T | Promise<T>;

/** By symbol: two copies of this library may be loaded, and it is no part of what workflows are given. */
const HOOKS = Symbol.for("latchhook.step.hooks");

/** The hooks of a `step` that a runner made. */
export function hooksOf(step: Step): StepHooks {
  return Reflect.get(step, HOOKS) as StepHooks;
}

/** The same `step`, with hooks. */
export function withHooks(step: Step, hooks: StepHooks): Step {
  return Object.assign(step, { [HOOKS]: hooks });
}
