import type { Stored } from "./json.ts";
import type { Step, StepContext } from "./workflow.ts";

/**
 * A step whose function takes steps and sleeps of its own, named `NAME/...`. Its result is remembered like any step's,
 * but an attempt whose groups all sleep may fall asleep, which a plain step under way holds off.
 */
export type GroupStep = <T>(name: string, fn: GroupFunction<T>) => Promise<Stored<T>>;

/** What a group runs. */
export type GroupFunction<T = unknown> = (context: Pick<StepContext, "idempotencyKey">) => T | Promise<T>;

/** By symbol: two copies of this library may be loaded, and it is no part of what workflows are given. */
const GROUP = Symbol.for("latchhook.step.group");

/** The groups of a `step` that a runner made. */
export function groupStep(step: Step): GroupStep {
  return Reflect.get(step, GROUP) as GroupStep;
}

/** The same `step`, with groups. */
export function withGroups(step: Step, group: GroupStep): Step {
  return Object.assign(step, { [GROUP]: group });
}
