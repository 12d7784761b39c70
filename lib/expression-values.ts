import type { Scope } from "./expression-scope.ts";

/** A value's type for people. */
export function typeName(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "an object";
  if (typeof value === "string") return "text";
  return typeof value === "boolean" ? "true or false" : "a number";
}

/** True for JSON's numbers and the whole numbers of an expression, which compare with each other. */
export function isNumber(value: unknown): value is number | bigint {
  return typeof value === "number" || typeof value === "bigint";
}

/** True for what has fields. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * Values of different types are never equal. Two objects are not compared: to list the fields of one that a stranger
 * made takes longer than all the steps.
 *
 * @returns null for two objects
 */
export function areEqual(a: unknown, b: unknown, scope: Scope): boolean | null {
  scope.pay(1);
  if (isNumber(a) && isNumber(b)) return a <= b && a >= b; // across the two kinds, exactly
  if (typeof a === "string" && typeof b === "string") {
    if (a.length !== b.length) return false;
    scope.pay(a.length >>> 6);
    return a === b;
  }
  if (Array.isArray(a) && Array.isArray(b)) {
    if (a.length !== b.length) return false;
    for (let at = 0; at < a.length; at++) {
      const isSame = areEqual(a[at], b[at], scope);
      if (isSame !== true) return isSame;
    }
    return true;
  }
  return isObject(a) && isObject(b) ? null : a === b;
}

/** @returns below, at or above zero as `a` is below, at or above `b`; null for what has no order */
export function order(a: unknown, b: unknown, scope: Scope): number | null {
  if (typeof a === "string" && typeof b === "string") scope.pay(Math.min(a.length, b.length) >>> 6);
  else if (!(isNumber(a) && isNumber(b)) && !(typeof a === "boolean" && typeof b === "boolean")) return null;
  // Neither below, nor above, nor equal is NaN, which has no order.
  if (a < b) return -1;
  if (a > b) return 1;
  return a >= b ? 0 : null;
}

const INT_MIN = -(2n ** 63n);
const INT_MAX = 2n ** 63n - 1n;

/** A whole number of 64 bits, or null. */
export function toInt(value: bigint): bigint | null {
  return value >= INT_MIN && value <= INT_MAX ? value : null;
}

/**
 * Whole numbers of the expression stay whole, as in CEL. With one of JSON's numbers, which has no such kinds, it is
 * floating point.
 *
 * @returns null for other types, a division of whole numbers by zero, and what has no 64 bits
 */
export function calculate(
  operator: "+" | "-" | "*" | "/" | "%",
  a: unknown,
  b: unknown,
): number | bigint | null {
  if (typeof a === "bigint" && typeof b === "bigint") {
    if (operator === "+") return toInt(a + b);
    if (operator === "-") return toInt(a - b);
    if (operator === "*") return toInt(a * b);
    if (b === 0n) return null;
    return toInt(operator === "/" ? a / b : a % b);
  }
  if (!isNumber(a) || !isNumber(b)) return null;
  const [left, right] = [Number(a), Number(b)];
  if (operator === "+") return left + right;
  if (operator === "-") return left - right;
  if (operator === "*") return left * right;
  if (operator === "/") return left / right;
  return Number.isInteger(left) && Number.isInteger(right) && right !== 0 ? left % right : null;
}
