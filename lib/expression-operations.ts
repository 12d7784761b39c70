import type { ASTNode, BinaryOperator } from "@marcbachmann/cel-js";
import type { Scope } from "./expression-scope.ts";
import { areEqual, calculate, isObject, order } from "./expression-values.ts";

/** Takes the values of both sides. @returns undefined for values that it does not take */
export type Operation = (a: unknown, b: unknown, scope: Scope) => unknown;

/** By operator. */
export const OPERATIONS: Readonly<Record<BinaryOperator, Operation>> = {
  "==": equality(true),
  "!=": equality(false),
  "<": comparison((sign) => sign < 0),
  "<=": comparison((sign) => sign <= 0),
  ">": comparison((sign) => sign > 0),
  ">=": comparison((sign) => sign >= 0),
  in: (value, container, scope) => isIn(value, container, scope),
  "+": (a, b, scope) => add(a, b, scope),
  "-": (a, b) => calculate("-", a, b) ?? undefined,
  "*": (a, b) => calculate("*", a, b) ?? undefined,
  "/": (a, b) => calculate("/", a, b) ?? undefined,
  "%": (a, b) => calculate("%", a, b) ?? undefined,
};

/** True for a part of an expression with one of them between two others. */
export function isBinary(node: ASTNode): node is Extract<ASTNode, { op: BinaryOperator }> {
  return Object.hasOwn(OPERATIONS, node.op);
}

function equality(isWanted: boolean): Operation {
  return (a, b, scope) => {
    const isSame = areEqual(a, b, scope);
    return isSame === null ? undefined : isSame === isWanted;
  };
}

function comparison(holds: (sign: number) => boolean): Operation {
  return (a, b, scope) => {
    const sign = order(a, b, scope);
    return sign === null ? undefined : holds(sign);
  };
}

function isIn(value: unknown, container: unknown, scope: Scope): boolean | undefined {
  if (isObject(container)) return typeof value === "string" ? Object.hasOwn(container, value) : undefined;
  if (!Array.isArray(container)) return undefined;
  // An object is in no list: the other elements may still decide.
  for (const element of container) if (areEqual(value, element, scope) === true) return true;
  return false;
}

function add(a: unknown, b: unknown, scope: Scope): unknown {
  if (typeof a === "string" && typeof b === "string") {
    scope.pay((a.length + b.length) >>> 6);
    return a + b;
  }
  if (Array.isArray(a) && Array.isArray(b)) {
    scope.pay(a.length + b.length);
    return [...a, ...b];
  }
  return calculate("+", a, b) ?? undefined;
}
