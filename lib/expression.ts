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

const LIMIT_WORDS: ReadonlyMap<string, string> = new Map([
  ["maxAstNodes", "parts"],
  ["maxDepth", "levels in each other"],
  ["maxListElements", "elements in a list"],
  ["maxCallArguments", "arguments in a call"],
]);

/** The variables by name: a CEL type such as `dyn` or `map<string, string>`, or the types of an object's fields. */
export type Variables = Readonly<Record<string, string | Readonly<Record<string, string>>>>;

/** A part of an expression, with the parts in it. */
export type ExpressionTree = ASTNode;

/** A CEL expression that was read and checked. */
export interface Expression {
  /** What it gives, as far as that is known without values: `bool`, `string`, `int`, ... or `dyn`. */
  readonly type: string;
  /** Its parts, each with its place in the source. */
  readonly tree: ExpressionTree;
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
    tree: ast,
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
  // JSON has one kind of number: each goes with each. The functions are never called, since the library only checks.
  environment.registerOperator("int == double", () => false);
  for (const sign of ["+", "-", "*", "/"]) {
    environment.registerOperator(`int ${sign} double: double`, () => 0);
    environment.registerOperator(`double ${sign} int: double`, () => 0);
  }
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
    const start = range?.start ?? 0;
    const detail = strayWord(source, start, code) ?? told(summary, code, names);
    throw new TypeError(`${detail}${placeIn(source, start)}`);
  }
}

/** What the library's errors have in common. */
interface LibraryError {
  readonly code?: string;
  /** The message without the excerpt. */
  readonly summary?: string;
  readonly range?: { readonly start: number };
}

/** Characters before a stray word that are looked at: enough for `not` and the blanks after it. */
const WORD_MAX = 32;

const SIGNS: ReadonlyMap<string, string> = new Map([
  ["and", "&&"],
  ["or", "||"],
  ["not", "!"],
]);

/** The library tells of the last letter of a word that stands where none can. */
function strayWord(source: string, start: number, code: string | undefined): string | null {
  const word = code === "unexpected_character" ? /^\w+/.exec(source.slice(start))?.[0] : undefined;
  if (word === undefined) return null;
  const before = /(\w+)\s+$/.exec(source.slice(Math.max(0, start - WORD_MAX), start))?.[1] ?? "";
  const meant = [word, before].find((name) => SIGNS.has(name.toLowerCase()));
  const hint = meant === undefined ? "" : `; write ${SIGNS.get(meant.toLowerCase())} for ${meant}`;
  return `Unexpected word: ${word}${hint}`;
}

/** An error of the library with what to write instead, where that is known. */
function told(summary: string, code: string | undefined, variables: readonly string[]): string {
  if (code === "unknown_variable") {
    return `${summary}; ${hint(summary.replace(/^.*: /, ""), variables, "variables")}`;
  }
  if (/^Expected COLON, got RBRACE/.test(summary))
    return "braces make an object here; write names without them";
  if (code === "unexpected_character" && summary.endsWith(": =")) return `${summary}; write == to compare`;
  const limit = code === "limit_exceeded" ? /Exceeded (\w+) \((\d+)\)/.exec(summary) : null;
  if (limit !== null) return `it has more than ${limit[2]} ${LIMIT_WORDS.get(limit[1] ?? "") ?? limit[1]}`;
  const [, a, sign, b] = /^no such overload: (\S+) (\S+) (.+)$/.exec(summary) ?? [];
  if (sign !== undefined) {
    const hint = a === "null" || b === "null" ? "; ask has(...) for what may be absent" : "";
    return `${sign} does not go with ${a} and ${b}${hint}`;
  }
  const [, call, name = ""] =
    /^found no matching overload for '((?:[^('.]*\.)?(\w+)\(.*)'$/.exec(summary) ?? [];
  if (call === undefined) return summary;
  const known = [...new Set(["has", ...FUNCTIONS.keys(), ...METHOD_NAMES])];
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

/** A place as it stands at the end of a message; lines and characters are counted from 1. */
export function placeIn(source: string, offset: number): string {
  const before = source.slice(0, offset).split("\n");
  const character = (before.at(-1) ?? "").length + 1;
  return source.includes("\n")
    ? ` (line ${before.length}, character ${character})`
    : ` (character ${character})`;
}
