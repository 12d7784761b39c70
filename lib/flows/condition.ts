import { compileExpression, EXPRESSION_CHARACTERS_MAX, type Expression } from "../expression.ts";
import { ExpressionFault } from "../expression-scope.ts";
import { typeName } from "../expression-values.ts";
import { FatalError } from "../workflow-errors.ts";
import { type ConditionTypes, conditionTypes, isTruth } from "./condition-types.ts";
import { typeText } from "./field-type.ts";
import type { Fields, State } from "./fields.ts";

/** The word that stands for the route taken where no other is. */
export function isDefault(logic: string): boolean {
  return logic.trim() === "default";
}

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
  if (!isTruth(type)) {
    const word = type.kind === "null" ? "null" : typeText(type);
    throw new TypeError(`it gives ${word}, and a condition gives true or false`);
  }
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

function compile(source: string, fields: Fields): Pick<Expression, "evaluate"> & ConditionTypes {
  // What is too long is not read here first: a regular expression looks for the end of each text in it.
  const signs = source.length > EXPRESSION_CHARACTERS_MAX ? source : withSigns(source);
  const { tree, evaluate } = compileExpression(signs, { variables: { state: "dyn" } });
  return { evaluate, ...conditionTypes(tree, signs, fields) };
}

/** The fields that a condition reads. One that takes hold of the whole state, such as `[state]`, may read them all. */
export function fieldsRead(source: string, fields: Fields): ReadonlySet<string> {
  return compile(source, fields).reads;
}

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
