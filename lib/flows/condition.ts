import { messageOf } from "../errors.ts";
import {
  compileExpression,
  EXPRESSION_CHARACTERS_MAX,
  type Expression,
  type Variables,
} from "../expression.ts";
import { ExpressionFault } from "../expression-scope.ts";
import { typeName } from "../expression-values.ts";
import { FatalError } from "../workflow-errors.ts";
import { show } from "./fault.ts";
import type { FieldType } from "./field-type.ts";
import type { Fields, State } from "./fields.ts";
import { suggest } from "./suggest.ts";
import { typeAt } from "./type-at.ts";

/** Tells of a state whether a route is taken. */
export type Condition = (state: State) => boolean;

/**
 * A condition of an edge: CEL over `state`, with `and`, `or` and `not` for `&&`, `||` and `!`.
 *
 * @returns throws a `FatalError` where it cannot tell: the same state gives the same answer each time
 * @throws {TypeError} what cannot be used, with the place in it
 */
export function compileCondition(source: string, fields: Fields): Condition {
  const { type, evaluate } = compile(source, fields);
  if (type !== "bool" && type !== "dyn")
    throw new TypeError(`it gives ${type}, and a condition gives true or false`);
  return (state) => {
    const result = evaluate({ state });
    if (typeof result === "boolean") return result;
    const why =
      result instanceof ExpressionFault
        ? result.detail
        : `it gives ${typeName(result)} in place of true or false`;
    throw new FatalError(`Cannot decide ${JSON.stringify(source)}: ${why}`);
  };
}

function compile(source: string, fields: Fields): Expression {
  // What is too long is not read here first: a regular expression looks for the end of each text in it.
  if (source.length > EXPRESSION_CHARACTERS_MAX) return compileExpression(source, { variables: {} });
  for (const path of pathsIn(source)) checkPath(path, fields);
  try {
    return compileExpression(withSigns(source), { variables: variablesOf(fields) });
  } catch (error) {
    const name = /^No such key: (\w+)/.exec(messageOf(error))?.[1];
    if (name !== undefined) checkPath([name], fields);
    throw error;
  }
}

/** What CEL does not tell: a misspelt name in `has(...)` would be false for ever. */
function checkPath([name = "", ...parts]: readonly string[], fields: Fields): void {
  const field = fields.get(name);
  if (field === undefined) {
    throw new TypeError(`state.fields has no ${show(name)}; ${suggest(name, fields.keys())}`);
  }
  const type = typeAt(name, field.type, parts);
  if (typeof type === "string") throw new TypeError(type);
}

/**
 * The fields that a condition reads. One that takes hold of the whole state, such as `state["a-b"]`, may read them all.
 */
export function fieldsRead(source: string, fields: Fields): string[] {
  const tokens: readonly string[] = source.match(TOKEN) ?? [];
  if (tokens.includes("state")) return [...fields.keys()];
  return pathsIn(source).flatMap(([name = ""]) => name);
}

/** Fields with the parts of them that are read by name; a function that is called on a part is none. */
function pathsIn(source: string): string[][] {
  const tokens: readonly string[] = source.match(TOKEN) ?? [];
  return tokens.flatMap((token, index) => {
    const [root, ...path] = token.split(".").map((name) => name.trim());
    if (root !== "state" || path.length === 0) return [];
    const isCall = tokens.slice(index + 1).find((next) => next.trim() !== "") === "(";
    return [isCall ? path.slice(0, -1) : path];
  });
}

/** An empty object type would know no field at all. */
function variablesOf(fields: Fields): Variables {
  const types = [...fields].map(([name, { type, isNullable }]) => [
    name,
    isNullable ? "dyn" : CEL_TYPES[type.kind],
  ]);
  return { state: types.length === 0 ? "dyn" : Object.fromEntries(types) };
}

/** The library takes a map of known parts for no map: what stands in an object is of a type that is seen at run time. */
const CEL_TYPES = {
  str: "string",
  bool: "bool",
  int: "int",
  float: "double",
  list: "list",
  dict: "map",
  object: "map",
  any: "dyn",
} as const satisfies Record<FieldType["kind"], string>;

/**
 * The expression with CEL's signs. `not` binds as it does where the words are from: it takes all up to the next `and`,
 * `or` or closing bracket, while `!` takes only what stands next to it. Texts in quotes stay as they are, and so do the
 * places of all that stands before the first `not`.
 */
function withSigns(source: string): string {
  const tokens = source.match(TOKEN) ?? [];
  let signs = "";
  /** Open brackets of the expression, and among them those that `not` has opened. */
  const open: ("bracket" | "not")[] = [];
  const closeNots = (): void => {
    while (open.at(-1) === "not") {
      open.pop();
      signs += ")";
    }
  };
  for (const token of tokens) {
    const isEnd = /^(?:and|or|&&|\|\||[)\]},?:])$/.test(token);
    if (isEnd) closeNots();
    if (/^[([{]$/.test(token)) open.push("bracket");
    else if (/^[)\]}]$/.test(token)) open.pop();
    else if (token === "not") open.push("not");
    signs += WORDS.get(token) ?? token;
  }
  closeNots();
  return signs;
}

/** As long as the words they stand for, but for the bracket that `not` closes in the end. */
const WORDS: ReadonlyMap<string, string> = new Map([
  ["and", " &&"],
  ["or", "||"],
  ["not", " !("],
]);

/** Texts in quotes, words with what is selected from them, the signs of two characters, and any other character. */
const TOKEN =
  /(?:[rRbB]{0,2})(?:"""[\s\S]*?"""|'''[\s\S]*?'''|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')|[A-Za-z_]\w*(?:\s*\.\s*[A-Za-z_]\w*)*|&&|\|\||[\s\S]/g;
