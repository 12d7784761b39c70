import type { ASTNode } from "@marcbachmann/cel-js";
import { messageOf } from "./errors.ts";
import { type ExpressionFunction, FUNCTIONS, METHODS, TEXT_CHARACTERS_MAX } from "./expression-functions.ts";
import { MACROS, type Macro } from "./expression-macros.ts";
import { isBinary, OPERATIONS, type Operation } from "./expression-operations.ts";
import { ExpressionFault, type ExpressionNode, type Scope } from "./expression-scope.ts";
import { isNumber, isObject, typeName } from "./expression-values.ts";
import { compileLinearPattern } from "./linear-pattern.ts";

/** Where a part stands in the source, for a message. */
export interface Placed {
  readonly start: number;
}

/** A part that cannot be used, found before there is a value. */
export class NodeError extends TypeError {
  readonly start: number;

  constructor(at: Placed, detail: string) {
    super(detail);
    this.start = at.start;
  }
}

/** What is known while a tree is gone through. */
interface Known {
  readonly source: string;
  readonly variables: readonly string[];
  /** The variables of the macros around, outermost first. */
  readonly locals: readonly string[];
}

/** `exists` in `exists` in `exists`: what a filter needs has one or two. */
const MACROS_MAX = 3;

/**
 * A function that evaluates a tree. What is not on its lists is refused, so that nothing comes in with a newer library.
 *
 * @throws {NodeError}
 */
export function compileNode(ast: ASTNode, source: string, variables: readonly string[]): ExpressionNode {
  return compile(ast, { source, variables, locals: [] });
}

function compile(ast: ASTNode, known: Known): ExpressionNode {
  if (isBinary(ast)) return compileBinary(ast, ast.args, known, OPERATIONS[ast.op]);
  switch (ast.op) {
    case "value":
      return compileLiteral(ast, ast.args);
    case "id":
      return compileName(ast, ast.args, known);
    case ".":
      return compileField(ast, ast.args[0], ast.args[1], known);
    case "[]":
      return compileIndex(ast, ast.args[0], ast.args[1], known);
    case "list":
      return compileList(ast.args, known);
    case "call":
      return compileCall(ast, ast.args[0], ast.args[1], known);
    case "rcall":
      return compileMethod(ast, ast.args[0], ast.args[1], ast.args[2], known);
    case "!_":
      return compileUnary(ast, ast.args, known, (value) => (typeof value === "boolean" ? !value : undefined));
    case "-_":
      return compileUnary(ast, ast.args, known, (value) => (isNumber(value) ? -value : undefined));
    case "&&":
    case "||":
      return compileLogic(ast, ast.op === "||", ast.args, known);
    case "?:":
      return compileChoice(ast, ast.args, known);
    default:
      throw new NodeError(ast, `${wordOf(ast.op)} cannot be used here`);
  }
}

function wordOf(op: string): string {
  return op === "map" ? "an object of its own" : `"${op}"`;
}

function compileLiteral(at: Placed, value: unknown): ExpressionNode {
  if (typeof value === "bigint" && !Number.isSafeInteger(Number(value))) {
    throw new NodeError(
      at,
      "a whole number beyond 2^53 cannot be compared: JSON's numbers are not exact there; compare it as text",
    );
  }
  if (typeof value === "object" && value !== null) {
    throw new NodeError(at, "bytes and unsigned numbers cannot be used here: JSON has none");
  }
  return (scope) => {
    scope.pay(1);
    return value;
  };
}

function compileName(at: Placed, name: string, { variables, locals }: Known): ExpressionNode {
  const depth = locals.lastIndexOf(name);
  if (depth >= 0) {
    return (scope) => {
      scope.pay(1);
      return scope.locals[depth];
    };
  }
  if (!variables.includes(name)) {
    throw new NodeError(at, `"${name}" cannot be used here: the variables are ${variables.join(", ")}`);
  }
  return (scope) => {
    scope.pay(1);
    return scope.values[name];
  };
}

function compileField(at: ASTNode, target: ASTNode, name: string, known: Known): ExpressionNode {
  const get = compile(target, known);
  const absent = absentFault(at, known);
  return (scope) => {
    scope.pay(1);
    const value = get(scope);
    if (value instanceof ExpressionFault) return value;
    return isObject(value) ? ownField(value, name, absent) : absent;
  };
}

/** What a prototype has (`constructor`, `__proto__`) is no data. */
function ownField(value: Readonly<Record<string, unknown>>, name: string, absent: ExpressionFault): unknown {
  return Object.hasOwn(value, name) ? value[name] : absent;
}

function compileIndex(at: ASTNode, target: ASTNode, key: ASTNode, known: Known): ExpressionNode {
  const get = compile(target, known);
  const getKey = compile(key, known);
  const absent = absentFault(at, known);
  const what = excerpt(at, known);
  return (scope) => {
    scope.pay(1);
    const value = get(scope);
    if (value instanceof ExpressionFault) return value;
    const found = getKey(scope);
    if (found instanceof ExpressionFault) return found;
    if (isObject(value) && typeof found === "string") return ownField(value, found, absent);
    if (Array.isArray(value) && isNumber(found)) {
      const place = Number(found);
      return place >= 0 && place < value.length && Number.isInteger(place) ? value[place] : absent;
    }
    if (!isObject(value) && !Array.isArray(value)) return absent;
    return typeFault(scope, `${what} looks up ${typeName(found)} in ${typeName(value)}`);
  };
}

function compileList(elements: readonly ASTNode[], known: Known): ExpressionNode {
  const nodes = elements.map((element) => compile(element, known));
  return (scope) => {
    scope.pay(1);
    const list: unknown[] = [];
    for (const node of nodes) {
      const value = node(scope);
      if (value instanceof ExpressionFault) return value;
      list.push(value);
    }
    return list;
  };
}

function compileCall(at: ASTNode, name: string, args: readonly ASTNode[], known: Known): ExpressionNode {
  const [first] = args;
  if (name === "has" && first !== undefined) return compileHas(first, known);
  const call = FUNCTIONS.get(name);
  if (call === undefined) {
    throw new NodeError(
      at,
      `${name}() cannot be used here: functions are has, ${[...FUNCTIONS.keys()].join(", ")}`,
    );
  }
  return compileFunction(at, name, call, args, known);
}

/** False as well where something on the way is absent, so that a long path needs one `has`. */
function compileHas(path: ASTNode, known: Known): ExpressionNode {
  const get = compile(path, known);
  return (scope) => {
    const value = get(scope);
    if (!(value instanceof ExpressionFault)) return true;
    return value.kind === "absent" ? false : value;
  };
}

/** What can be called as `value.name(...)`. */
export const METHOD_NAMES: readonly string[] = [...METHODS.keys(), "matches", ...MACROS.keys()];

function compileMethod(
  at: ASTNode,
  name: string,
  receiver: ASTNode,
  args: readonly ASTNode[],
  known: Known,
): ExpressionNode {
  const macro = MACROS.get(name);
  if (macro !== undefined) return compileMacro(at, name, macro, receiver, args, known);
  if (name === "matches") return compileMatches(at, receiver, args[0], known);
  const call = METHODS.get(name);
  if (call === undefined) {
    const names = METHOD_NAMES.join(", ");
    throw new NodeError(at, `.${name}() cannot be used here: functions of a value are ${names}`);
  }
  return compileFunction(at, name, call, [receiver, ...args], known);
}

function compileFunction(
  at: ASTNode,
  name: string,
  call: ExpressionFunction,
  args: readonly ASTNode[],
  known: Known,
): ExpressionNode {
  const nodes = args.map((arg) => compile(arg, known));
  const what = excerpt(at, known);
  return (scope) => {
    scope.pay(1);
    const values: unknown[] = [];
    for (const node of nodes) {
      const value = node(scope);
      if (value instanceof ExpressionFault) return value;
      values.push(value);
    }
    const result = call(scope, ...values);
    if (result !== undefined) return result;
    return typeFault(scope, `${what}: ${name} does not take ${values.map(shapeOf).join(" and ")}`);
  };
}

function compileMatches(
  at: ASTNode,
  receiver: ASTNode,
  pattern: ASTNode | undefined,
  known: Known,
): ExpressionNode {
  if (pattern?.op !== "value" || typeof pattern.args !== "string") {
    throw new NodeError(at, "matches() takes its pattern as a literal text: a sender could write another");
  }
  const get = compile(receiver, known);
  const linear = readPattern(pattern, pattern.args);
  const what = excerpt(at, known);
  return (scope) => {
    scope.pay(1);
    const text = get(scope);
    if (text instanceof ExpressionFault) return text;
    if (typeof text !== "string" || text.length > TEXT_CHARACTERS_MAX) {
      return typeFault(scope, `${what}: matches does not take ${shapeOf(text)}`);
    }
    // A place of a pattern is looked at in less time than one of the tree.
    return linear.test(text, (places) => scope.pay(1 + (places >>> 1)));
  };
}

function readPattern(at: Placed, source: string): ReturnType<typeof compileLinearPattern> {
  try {
    return compileLinearPattern(source);
  } catch (error) {
    throw new NodeError(
      at,
      `the pattern ${JSON.stringify(source.slice(0, 60))} cannot be used: ${messageOf(error)}`,
    );
  }
}

function compileMacro(
  at: ASTNode,
  name: string,
  macro: Macro,
  receiver: ASTNode,
  args: readonly ASTNode[],
  known: Known,
): ExpressionNode {
  const [variable, ...parts] = args;
  if (variable?.op !== "id") throw new NodeError(at, `${name}() takes a variable's name first`);
  const slot = known.locals.length;
  if (slot >= MACROS_MAX) {
    throw new NodeError(at, `${name}() stands in more than ${MACROS_MAX - 1} others of its kind`);
  }
  const get = compile(receiver, known);
  const inner = { ...known, locals: [...known.locals, variable.args] };
  const nodes = parts.map((part) => compile(part, inner));
  const what = excerpt(at, known);
  return (scope) => {
    scope.pay(1);
    const list = get(scope);
    if (list instanceof ExpressionFault) return list;
    if (!Array.isArray(list)) {
      return typeFault(scope, `${what}: ${name} goes through lists, not through ${typeName(list)}`);
    }
    const result = macro(scope, list, slot, nodes);
    if (result !== undefined) return result;
    return typeFault(scope, `${what}: ${name} needs true or false of each element`);
  };
}

function compileUnary(
  at: ASTNode,
  operand: ASTNode,
  known: Known,
  apply: (value: unknown) => unknown,
): ExpressionNode {
  const get = compile(operand, known);
  const what = excerpt(at, known);
  return (scope) => {
    scope.pay(1);
    const value = get(scope);
    if (value instanceof ExpressionFault) return value;
    return apply(value) ?? typeFault(scope, `${what} has ${typeName(value)} in it`);
  };
}

/** One side that decides is enough, whatever the other lacks. */
function compileLogic(
  at: ASTNode,
  decides: boolean,
  [left, right]: readonly [ASTNode, ASTNode],
  known: Known,
): ExpressionNode {
  const [getLeft, getRight] = [compile(left, known), compile(right, known)];
  const what = excerpt(at, known);
  const bool = (value: unknown, scope: Scope): boolean | ExpressionFault =>
    typeof value === "boolean" || value instanceof ExpressionFault
      ? value
      : typeFault(scope, `${what} has ${typeName(value)} on a side`);
  return (scope) => {
    scope.pay(1);
    const a = bool(getLeft(scope), scope);
    if (a === decides) return a;
    const b = bool(getRight(scope), scope);
    return b === decides || a === !decides ? b : a;
  };
}

function compileChoice(
  at: ASTNode,
  [condition, then, otherwise]: readonly [ASTNode, ASTNode, ASTNode],
  known: Known,
): ExpressionNode {
  const [test, yes, no] = [compile(condition, known), compile(then, known), compile(otherwise, known)];
  const what = excerpt(at, known);
  return (scope) => {
    scope.pay(1);
    const value = test(scope);
    if (value instanceof ExpressionFault) return value;
    if (typeof value === "boolean") return value ? yes(scope) : no(scope);
    return typeFault(scope, `${what} chooses by ${typeName(value)}`);
  };
}

function compileBinary(
  at: ASTNode,
  [left, right]: readonly [ASTNode, ASTNode],
  known: Known,
  apply: Operation,
): ExpressionNode {
  const [getLeft, getRight] = [compile(left, known), compile(right, known)];
  const what = excerpt(at, known);
  return (scope) => {
    scope.pay(1);
    const a = getLeft(scope);
    if (a instanceof ExpressionFault) return a;
    const b = getRight(scope);
    if (b instanceof ExpressionFault) return b;
    const result = apply(a, b, scope);
    if (result !== undefined) return result;
    return typeFault(scope, `${what} does not go with ${typeName(a)} and ${typeName(b)}`);
  };
}

/** A text is put together for it, which takes as long as many steps. */
const FAULT_STEPS = 20;

function typeFault(scope: Scope, detail: string): ExpressionFault {
  scope.pay(FAULT_STEPS);
  return new ExpressionFault("type", detail);
}

function absentFault(at: ASTNode, known: Known): ExpressionFault {
  return new ExpressionFault("absent", `${excerpt(at, known)} is absent`);
}

/** A value's type, and of a text its length where that may be the reason. */
function shapeOf(value: unknown): string {
  const isLong = typeof value === "string" && value.length > TEXT_CHARACTERS_MAX;
  return isLong ? `text of over ${TEXT_CHARACTERS_MAX} characters` : typeName(value);
}

/** A part as the expression has it, cut where it is long. */
export function excerpt({ start, end }: ASTNode, { source }: { readonly source: string }): string {
  const text = source.slice(start, end).replaceAll(/\s+/g, " ");
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}
