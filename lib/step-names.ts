import type { StepKind } from "./run.ts";
import { FatalError } from "./workflow-errors.ts";

/** The longest name of a step, in characters. */
export const STEP_NAME_MAX = 255;

/**
 * Takes the name of a step or a sleep for this attempt. A name finds a stored result, so each stands for one place in
 * the run; steps and sleeps share them.
 *
 * @param name what the workflow gave
 * @param used the names taken in this attempt so far; `name` is added
 * @throws {FatalError} no text, empty, above `STEP_NAME_MAX` characters, no valid Unicode, or used before
 */
export function checkStepName(
  name: unknown,
  used: Map<string, StepKind>,
  kind: StepKind,
): asserts name is string {
  if (typeof name !== "string") {
    throw new FatalError(`Cannot start a ${kind} whose name is ${typeName(name)}: give text`);
  }
  if (name === "" || name.length > STEP_NAME_MAX) {
    throw new FatalError(
      `Cannot start a ${kind} whose name has ${name.length} characters: give 1 to ${STEP_NAME_MAX}`,
    );
  }
  // Half a surrogate pair is stored as another character, and the next attempt would not find its result.
  if (/\p{Surrogate}/u.test(name)) {
    throw new FatalError(`Cannot start ${kind} ${JSON.stringify(name)}: the name is cut within a character`);
  }
  const taken = used.get(name);
  if (taken !== undefined) {
    throw new FatalError(
      `Cannot start ${kind} ${JSON.stringify(name)}: a ${taken} of this run has the name already; in a loop add the loop's index to it`,
    );
  }
  used.set(name, kind);
}

function typeName(value: unknown): string {
  return value === null ? "null" : typeof value;
}

/** True for the name of a part of a step, `NAME/...`. */
export function isPartOf(name: string, step: string): boolean {
  return name.startsWith(`${step}/`);
}
