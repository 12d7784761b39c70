/** What an evaluation may do at most: a step is a part of the expression looked at, or some characters of a text. */
export const STEPS_MAX = 50_000;

/** Why an expression has no value. */
export type FaultKind =
  /** Something that it reads is not there. */
  | "absent"
  /** Something has another type than is needed, or is out of range. */
  | "type"
  /** The steps ran out. */
  | "exhausted";

/**
 * Stands in the place of a value. It is handed up and not thrown, because senders decide how many there are, and to
 * throw costs a hundred steps.
 */
export class ExpressionFault {
  readonly kind: FaultKind;
  /** In the expression's own words, with nothing of the values but their types. */
  readonly detail: string;

  constructor(kind: FaultKind, detail: string) {
    this.kind = kind;
    this.detail = detail;
  }
}

/** Thrown where the steps run out, once an evaluation, and made once, because a stack costs more than the steps. */
export const STEPS_EXHAUSTED: Error = new Error("The steps of an expression ran out");

/** What one evaluation knows: the variables' values, those of macros by depth, and the steps that are left. */
export class Scope {
  readonly values: Readonly<Record<string, unknown>>;
  readonly locals: unknown[] = [];
  #left = STEPS_MAX;

  constructor(values: Readonly<Record<string, unknown>>) {
    this.values = values;
  }

  /** @throws STEPS_EXHAUSTED */
  pay(steps: number): void {
    this.#left -= steps;
    if (this.#left < 0) throw STEPS_EXHAUSTED;
  }
}

/** Gives the value of a part of an expression, or the fault that stands in its place. */
export type ExpressionNode = (scope: Scope) => unknown;
