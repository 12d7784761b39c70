import type { Scope } from "./expression-scope.ts";
import { isNumber, toInt } from "./expression-values.ts";

/** Text that `matches`, `lowerAscii` and `upperAscii` take, in characters. */
export const TEXT_CHARACTERS_MAX = 4_096;

/** Gives undefined where it does not take the values. */
export type ExpressionFunction = (scope: Scope, ...values: readonly unknown[]) => unknown;

/** Called as `name(value)`, by name. */
export const FUNCTIONS: ReadonlyMap<string, ExpressionFunction> = new Map<string, ExpressionFunction>([
  ["size", sizeOf],
  ["string", toText],
  ["int", toWhole],
  ["double", toDouble],
]);

/** Called as `value.name(...)`, by name. `matches` is not among them: its pattern is read when it is compiled. */
export const METHODS: ReadonlyMap<string, ExpressionFunction> = new Map<string, ExpressionFunction>([
  ["size", sizeOf],
  ["startsWith", ofTexts((scope, text, start) => paid(scope, start.length >>> 6) && text.startsWith(start))],
  ["endsWith", ofTexts((scope, text, end) => paid(scope, end.length >>> 6) && text.endsWith(end))],
  ["contains", ofTexts(contains)],
  ["lowerAscii", (scope, text) => withCase(scope, text, /[A-Z]/g, (letter) => letter.toLowerCase())],
  ["upperAscii", (scope, text) => withCase(scope, text, /[a-z]/g, (letter) => letter.toUpperCase())],
]);

/** Code points of a text, elements of a list. */
function sizeOf(scope: Scope, value: unknown): bigint | undefined {
  if (Array.isArray(value)) return BigInt(value.length);
  if (typeof value !== "string") return undefined;
  scope.pay(value.length >>> 3);
  let pairs = 0;
  for (let at = 0; at < value.length; at++) {
    if ((value.codePointAt(at) ?? 0) <= 0xffff) continue;
    pairs++;
    at++;
  }
  return BigInt(value.length - pairs);
}

/** A number's text is made or read in the time of some steps. */
const CONVERSION_STEPS = 4;

function toText(scope: Scope, value: unknown): string | undefined {
  if (typeof value === "string") return value;
  scope.pay(CONVERSION_STEPS);
  return isNumber(value) || typeof value === "boolean" ? String(value) : undefined;
}

function toWhole(scope: Scope, value: unknown): bigint | undefined {
  scope.pay(CONVERSION_STEPS);
  if (typeof value === "bigint") return value;
  if (typeof value === "number") {
    return Number.isFinite(value) ? (toInt(BigInt(Math.trunc(value))) ?? undefined) : undefined;
  }
  if (typeof value !== "string" || value.length > 20 || !/^-?[0-9]+$/.test(value)) return undefined;
  return toInt(BigInt(value)) ?? undefined;
}

function toDouble(scope: Scope, value: unknown): number | undefined {
  scope.pay(CONVERSION_STEPS);
  if (isNumber(value)) return Number(value);
  if (typeof value !== "string" || value.length > 64) return undefined;
  return /^[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?$/.test(value) ? Number(value) : undefined;
}

function ofTexts(take: (scope: Scope, text: string, other: string) => boolean): ExpressionFunction {
  return (scope, text, other) =>
    typeof text === "string" && typeof other === "string" ? take(scope, text, other) : undefined;
}

function paid(scope: Scope, steps: number): true {
  scope.pay(steps);
  return true;
}

/** From here on the runtime's own search takes the time of the text times the part, for texts that are made for it. */
const SHORT = 16;

/** Knuth, Morris and Pratt's search where the part is long: the sender may have written both. */
function contains(scope: Scope, text: string, part: string): boolean {
  scope.pay((text.length + part.length) >>> (part.length > SHORT ? 2 : 3));
  if (part.length <= SHORT) return text.includes(part);
  const borders = new Uint32Array(part.length + 1);
  for (let at = 1, border = 0; at < part.length; at++) {
    while (border > 0 && part.charCodeAt(at) !== part.charCodeAt(border)) border = borders[border] ?? 0;
    if (part.charCodeAt(at) === part.charCodeAt(border)) border++;
    borders[at + 1] = border;
  }
  for (let at = 0, found = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    while (found > 0 && unit !== part.charCodeAt(found)) found = borders[found] ?? 0;
    if (unit === part.charCodeAt(found)) found++;
    if (found === part.length) return true;
  }
  return false;
}

/** ASCII letters alone, as CEL has it: the Kelvin sign is no k. */
function withCase(scope: Scope, text: unknown, letters: RegExp, change: (letter: string) => string): unknown {
  if (typeof text !== "string" || text.length > TEXT_CHARACTERS_MAX) return undefined;
  scope.pay(text.length);
  return text.replace(letters, change);
}
