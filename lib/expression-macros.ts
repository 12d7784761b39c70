import { ExpressionFault, type ExpressionNode, type Scope } from "./expression-scope.ts";

/**
 * Goes through a list with a variable of its own, at a depth of `scope.locals`.
 *
 * @returns undefined where a part gave something else than true or false
 */
export type Macro = (
  scope: Scope,
  list: readonly unknown[],
  slot: number,
  parts: readonly ExpressionNode[],
) => unknown;

/** By name. */
export const MACROS: ReadonlyMap<string, Macro> = new Map<string, Macro>([
  ["exists", (scope, list, slot, [test]) => quantify(scope, list, slot, test, true)],
  ["all", (scope, list, slot, [test]) => quantify(scope, list, slot, test, false)],
  ["exists_one", existsOne],
  ["filter", (scope, list, slot, [test]) => collect(scope, list, slot, test, undefined)],
  [
    "map",
    (scope, list, slot, [a, b]) =>
      b ? collect(scope, list, slot, a, b) : collect(scope, list, slot, undefined, a),
  ],
]);

/** One element that decides is enough, whatever others lack. */
function quantify(
  scope: Scope,
  list: readonly unknown[],
  slot: number,
  test: ExpressionNode | undefined,
  decides: boolean,
): unknown {
  let fault: unknown = !decides;
  for (const element of list) {
    scope.pay(1);
    scope.locals[slot] = element;
    const result = test?.(scope);
    if (result === decides) return decides;
    if (result !== !decides && fault === !decides)
      fault = result instanceof ExpressionFault ? result : undefined;
  }
  return fault;
}

function existsOne(
  scope: Scope,
  list: readonly unknown[],
  slot: number,
  [test]: readonly ExpressionNode[],
): unknown {
  let found = 0;
  for (const element of list) {
    scope.pay(1);
    scope.locals[slot] = element;
    const result = test?.(scope);
    if (typeof result !== "boolean") return result instanceof ExpressionFault ? result : undefined;
    if (result) found++;
  }
  return found === 1;
}

function collect(
  scope: Scope,
  list: readonly unknown[],
  slot: number,
  test: ExpressionNode | undefined,
  transform: ExpressionNode | undefined,
): unknown {
  const collected: unknown[] = [];
  for (const element of list) {
    scope.pay(1);
    scope.locals[slot] = element;
    const isIn = test === undefined || test(scope);
    if (typeof isIn !== "boolean") return isIn instanceof ExpressionFault ? isIn : undefined;
    if (!isIn) continue;
    const value = transform === undefined ? element : transform(scope);
    if (value instanceof ExpressionFault) return value;
    collected.push(value);
  }
  return collected;
}
