import { type ASTNode, Environment } from "@marcbachmann/cel-js";
import { messageOf } from "./errors.ts";
import { FUNCTIONS } from "./expression-functions.ts";
import { compileNode, METHOD_NAMES, NodeError } from "./expression-node.ts";
import { ExpressionFault, Scope, STEPS_EXHAUSTED, STEPS_MAX } from "./expression-scope.ts";
import { nearest } from "./nearest.ts";

/** The longest expression. */
export const EXPRESSION_CHARACTERS_MAX = 4_096;

/** Far above what people write, far below where the parser's or our own stack ends. */
const LIMITS = { maxAstNodes: 500, maxDepth: 32, maxListElements: 200, maxCallArguments: 8 };

/** The variables by name: a CEL type such as `dyn` or `map<string, string>`, or the types of an object's fields. */
export type Variables = Readonly<Record<string, string | Readonly<Record<string, string>>>>;

/** A CEL expression that was read and checked. */
export interface Expression {
  /** What it gives, as far as that is known without values: `bool`, `string`, `int`, ... or `dyn`. */
  readonly type: string;
  /**
   * Its value for these variables. Nothing in them is changed or called, and of objects only own fields are seen.
   *
   * @param values JSON, by variable
   * @returns JSON, with the expression's own whole numbers as `bigint`; a fault where there is no value
   */
  evaluate(values: Readonly<Record<string, unknown>>): unknown;
}

/**
 * The one door to CEL. The library reads an expression and checks its types; it is evaluated here, because strangers
 * write the values: a step is paid for all that is looked at, and after 50,000 of them there is a fault.
 *
 * @param source at most 4,096 characters
 * @throws {TypeError} what cannot be read, has a wrong type, names no variable or is over a bound, with the place
 * @see https://github.com/google/cel-spec/blob/master/doc/langdef.md
 */
export function compileExpression(source: string, options: { variables: Variables }): Expression {
  if (source.length > EXPRESSION_CHARACTERS_MAX) {
    throw new TypeError(
      `it has ${source.length} characters, and at most ${EXPRESSION_CHARACTERS_MAX} can be used`,
    );
  }
  const names = Object.keys(options.variables);
  const { ast, type } = check(source, environmentOf(options.variables), names);
  const node = compileChecked(ast, source, names);
  return {
    type,
    evaluate(values) {
      try {
        return node(new Scope(values));
      } catch (error) {
        if (error !== STEPS_EXHAUSTED) throw error;
        return new ExpressionFault("exhausted", `it takes more than ${STEPS_MAX} steps`);
      }
    },
  };
}

function environmentOf(variables: Variables): Environment {
  const environment = new Environment({ limits: LIMITS });
  // Arithmetic with a number of JSON is taken for a whole number, and is none: it may be compared with either.
  environment.registerOperator("int == double", (a, b) => Number(a) === Number(b));
  for (const [name, type] of Object.entries(variables)) {
    if (typeof type === "string") environment.registerVariable(name, type);
    else environment.registerVariable(name, { schema: { ...type } });
  }
  return environment;
}

function check(
  source: string,
  environment: Environment,
  names: readonly string[],
): { ast: ASTNode; type: string } {
  try {
    const parsed = environment.parse(source);
    const { error, type } = parsed.check();
    if (error !== undefined) throw error;
    return { ast: parsed.ast, type: type ?? "dyn" };
  } catch (error) {
    const { code, summary, range } = error as LibraryError;
    if (typeof summary !== "string") throw new TypeError(`it cannot be read: ${messageOf(error)}`);
    throw new TypeError(`${told(summary, code, names)}${placeIn(source, range?.start ?? 0)}`);
  }
}

/** What the library's errors have in common. */
interface LibraryError {
  readonly code?: string;
  /** The message without the excerpt. */
  readonly summary?: string;
  readonly range?: { readonly start: number };
}

/** An error of the library with what to write instead, where that is known. */
function told(summary: string, code: string | undefined, variables: readonly string[]): string {
  if (code === "unknown_variable") {
    return `${summary}; ${hint(summary.replace(/^.*: /, ""), variables, "variables")}`;
  }
  if (code === "unexpected_character" && summary.endsWith(": =")) return `${summary}; write == to compare`;
  const [, call, name = ""] =
    /^found no matching overload for '((?:[^('.]*\.)?(\w+)\(.*)'$/.exec(summary) ?? [];
  if (call === undefined) return summary;
  const known = [...FUNCTIONS.keys(), ...METHOD_NAMES];
  return `there is no ${call}${known.includes(name) ? "" : `; ${hint(name, known, "functions")}`}`;
}

function hint(name: string, known: readonly string[], what: string): string {
  const near = nearest(name, known);
  return near === null ? `the ${what} are ${known.join(", ")}` : `did you mean ${near}?`;
}

function compileChecked(
  ast: ASTNode,
  source: string,
  names: readonly string[],
): ReturnType<typeof compileNode> {
  try {
    return compileNode(ast, source, names);
  } catch (error) {
    if (!(error instanceof NodeError)) throw error;
    throw new TypeError(`${error.message}${placeIn(source, error.start)}`);
  }
}

/** Lines and characters are counted from 1. */
function placeIn(source: string, offset: number): string {
  const before = source.slice(0, offset).split("\n");
  const character = (before.at(-1) ?? "").length + 1;
  return source.includes("\n")
    ? ` (line ${before.length}, character ${character})`
    : ` (character ${character})`;
}
