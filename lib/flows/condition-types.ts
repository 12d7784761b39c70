import { type ExpressionTree, placeIn } from "../expression.ts";
import { MACROS } from "../expression-macros.ts";
import { excerpt } from "../expression-node.ts";
import { isBinary } from "../expression-operations.ts";
import { ANY_TYPE, type FieldType, typeText } from "./field-type.ts";
import type { Fields } from "./fields.ts";
import { typeAt } from "./type-at.ts";

/** What is known of a condition's parts: null is a type of its own here. */
type Known = FieldType | { readonly kind: "null" };

/** What a condition gives and reads. */
export interface ConditionTypes {
  readonly type: Known;
  /** The fields that it reads: all of them where it takes hold of the whole state. */
  readonly reads: ReadonlySet<string>;
}

/**
 * The types of a condition, as far as the fields' types tell. CEL's own do not know the parts of a field, and take whole
 * numbers and others for strangers, which JSON's are not.
 *
 * @throws {TypeError} what can never hold, or always ends the run, with its place: names that nothing has, types that do
 * not go together
 */
export function conditionTypes(tree: ExpressionTree, source: string, fields: Fields): ConditionTypes {
  const state: FieldType = {
    kind: "object",
    fields: new Map(
      [...fields].map(([name, { type, isNullable }]) => [name, isNullable ? ANY_TYPE : type] as const),
    ),
  };
  const look = new Look(source, state);
  return { type: look.typeOf(tree, new Map()), reads: look.reads };
}

/** True for what `and`, `not` and a route take. */
export function isTruth({ kind }: Known): boolean {
  return kind === "bool" || kind === "any";
}

/** The types of the variables that macros bind, by name. */
type Locals = ReadonlyMap<string, Known>;

class Look {
  readonly reads = new Set<string>();
  readonly #source: string;
  readonly #state: Extract<FieldType, { kind: "object" }>;

  constructor(source: string, state: Extract<FieldType, { kind: "object" }>) {
    this.#source = source;
    this.#state = state;
  }

  typeOf(node: ExpressionTree, locals: Locals): Known {
    if (isBinary(node)) return this.#binary(node, node.op, node.args, locals);
    switch (node.op) {
      case "value":
        return literalType(node.args);
      case "id":
        return this.#nameType(node.args, locals);
      case ".":
        return this.#part(node, node.args[0], node.args[1], locals);
      case "[]":
        return this.#index(node, node.args[0], node.args[1], locals);
      case "list":
        return { kind: "list", item: common(node.args.map((item) => this.typeOf(item, locals))) };
      case "call":
        return this.#call(node, node.args[0], node.args[1], locals);
      case "rcall":
        return this.#method(node, node.args[0], node.args[1], node.args[2], locals);
      case "!_":
        return this.#truth(node, "not", [node.args], locals);
      case "&&":
      case "||":
        return this.#truth(node, node.op, node.args, locals);
      case "-_":
        return this.#number(node.args, locals);
      case "?:": {
        const [test, ...branches] = node.args;
        this.#truth(node, "?", [test], locals);
        return common(branches.map((branch) => this.typeOf(branch, locals)));
      }
      default:
        return ANY_TYPE;
    }
  }

  #nameType(name: string, locals: Locals): Known {
    const local = locals.get(name);
    if (local !== undefined) return local;
    for (const field of this.#state.fields.keys()) this.reads.add(field);
    return this.#state;
  }

  #part(node: ExpressionTree, target: ExpressionTree, key: string, locals: Locals): Known {
    if (this.#isState(target, locals)) {
      this.reads.add(key);
      return this.#at(node, "state.fields", this.#state, key);
    }
    return this.#at(node, this.#text(target), this.typeOf(target, locals), key);
  }

  #index(node: ExpressionTree, target: ExpressionTree, key: ExpressionTree, locals: Locals): Known {
    const isLiteral = key.op === "value" && typeof key.args === "string";
    if (isLiteral && this.#isState(target, locals)) return this.#part(node, target, String(key.args), locals);
    const type = this.typeOf(target, locals);
    const by = this.typeOf(key, locals);
    const isPlace = isNumber(by) && key.op !== "-_";
    if (type.kind === "list") {
      if (!isPlace && by.kind !== "any")
        this.#fault(key, `${this.#text(target)} is a list and has its items by place, from 0 on`);
      return type.item;
    }
    if (isNumber(by) && (type.kind === "object" || type.kind === "dict"))
      this.#fault(key, `${this.#text(target)} is ${typeText(type)} and has its parts by name`);
    if (type.kind === "dict") return type.value;
    if (type.kind !== "object" && type.kind !== "any")
      this.#fault(node, `${this.#text(target)} is ${wordOf(type)} and has no parts`);
    return isLiteral ? this.#at(node, this.#text(target), type, String(key.args)) : ANY_TYPE;
  }

  #at(node: ExpressionTree, name: string, type: Known, key: string): Known {
    if (type.kind === "null") return this.#fault(node, `${name} is null and has no parts`);
    const part = typeAt(name, type, [key]);
    return typeof part === "string" ? this.#fault(node, part) : part;
  }

  #call(node: ExpressionTree, name: string, args: readonly ExpressionTree[], locals: Locals): Known {
    const types = args.map((arg) => this.typeOf(arg, locals));
    if (name === "has") return BOOL;
    if (name === "size") return this.#size(node, types[0]);
    const others = ["list", "dict", "object", "null", ...(name === "string" ? [] : ["bool"])];
    if (types.some(({ kind }) => others.includes(kind)))
      this.#fault(node, `${name} does not take ${types.map(wordOf).join(" and ")}`);
    return name === "string" ? TEXT : name === "int" ? INT : FLOAT;
  }

  #method(
    node: ExpressionTree,
    name: string,
    receiver: ExpressionTree,
    args: readonly ExpressionTree[],
    locals: Locals,
  ): Known {
    const type = this.typeOf(receiver, locals);
    if (MACROS.has(name)) return this.#macro(node, name, type, args, locals);
    if (name === "size") return this.#size(node, type);
    const types = [type, ...args.map((arg) => this.typeOf(arg, locals))];
    const other = types.find(({ kind }) => kind !== "str" && kind !== "any");
    if (other !== undefined) this.#fault(node, `${name} takes text, and no ${wordOf(other)}`);
    return name === "lowerAscii" || name === "upperAscii" ? TEXT : BOOL;
  }

  #macro(
    node: ExpressionTree,
    name: string,
    list: Known,
    [variable, ...parts]: readonly ExpressionTree[],
    locals: Locals,
  ): Known {
    if (list.kind !== "list" && list.kind !== "any")
      this.#fault(node, `${name} goes through lists, and no ${wordOf(list)}`);
    const item = list.kind === "list" ? list.item : ANY_TYPE;
    const inner = new Map(locals).set(variable?.op === "id" ? variable.args : "", item);
    const given = parts.at(-1);
    const tests = name === "map" ? parts.slice(0, -1) : parts;
    this.#truth(node, name, tests, inner);
    if (name === "filter") return { kind: "list", item };
    if (name !== "map" || given === undefined) return BOOL;
    return { kind: "list", item: fieldType(this.typeOf(given, inner)) };
  }

  #size(node: ExpressionTree, type: Known | undefined): Known {
    if (type !== undefined && !["str", "list", "any"].includes(type.kind))
      this.#fault(node, `size takes text and lists, and no ${wordOf(type)}`);
    return INT;
  }

  #truth(node: ExpressionTree, what: string, parts: readonly ExpressionTree[], locals: Locals): Known {
    for (const part of parts) {
      const type = this.typeOf(part, locals);
      if (!isTruth(type))
        this.#fault(node, `${what} takes true and false, and ${this.#text(part)} is ${wordOf(type)}`);
    }
    return BOOL;
  }

  #number(node: ExpressionTree, locals: Locals): Known {
    const type = this.typeOf(node, locals);
    if (!isNumber(type) && type.kind !== "any") this.#fault(node, `- does not go with ${wordOf(type)}`);
    return type;
  }

  #binary(
    node: ExpressionTree,
    sign: string,
    args: readonly [ExpressionTree, ExpressionTree],
    locals: Locals,
  ): Known {
    const [a, b] = [this.typeOf(args[0], locals), this.typeOf(args[1], locals)];
    if (!goTogether(sign, a, b)) {
      const isNull = a.kind === "null" || b.kind === "null";
      const hint = isNull ? "; ask has(...) for what may be absent" : "";
      this.#fault(node, `${sign} does not go with ${wordOf(a)} and ${wordOf(b)}${hint}`);
    }
    return /^[-+*/%]$/.test(sign) ? common([a, b]) : BOOL;
  }

  #isState(node: ExpressionTree, locals: Locals): boolean {
    return node.op === "id" && !locals.has(node.args);
  }

  #text(node: ExpressionTree): string {
    return excerpt(node, { source: this.#source });
  }

  #fault({ start }: ExpressionTree, detail: string): never {
    throw new TypeError(`${detail}${placeIn(this.#source, start)}`);
  }
}

const BOOL: Known = { kind: "bool" };
const TEXT: Known = { kind: "str" };
const INT: Known = { kind: "int" };
const FLOAT: Known = { kind: "float" };

function literalType(value: unknown): Known {
  if (value === null) return { kind: "null" };
  if (typeof value === "string") return TEXT;
  if (typeof value === "boolean") return BOOL;
  return typeof value === "bigint" ? INT : FLOAT;
}

function isNumber({ kind }: Known): boolean {
  return kind === "int" || kind === "float";
}

/** False where the sign gives the same for all values of these types, or always ends the run. */
function goTogether(sign: string, a: Known, b: Known): boolean {
  if (a.kind === "any" || b.kind === "any") return true;
  if (sign === "==" || sign === "!=") return mayEqual(a, b);
  if (sign === "in") {
    if (b.kind === "list") return mayEqual(a, b.item);
    return a.kind === "str" && (b.kind === "dict" || b.kind === "object");
  }
  if (isNumber(a) && isNumber(b)) return true;
  if (a.kind !== b.kind) return false;
  if (sign === "+") return a.kind === "str" || a.kind === "list";
  return /[<>]/.test(sign) && (a.kind === "str" || a.kind === "bool");
}

function mayEqual(a: Known, b: Known): boolean {
  if (a.kind === "any" || b.kind === "any" || (isNumber(a) && isNumber(b))) return true;
  // Lists may both be empty. Objects are never compared.
  return a.kind === b.kind && a.kind !== "dict" && a.kind !== "object";
}

/** A type that all are of; numbers of both kinds are numbers. */
function common(types: readonly Known[]): FieldType {
  const [first = ANY_TYPE] = types;
  const word = wordOf(first);
  // Objects have one word for all that their parts may be.
  const isSame = (type: Known): boolean =>
    type === first || (wordOf(type) === word && !word.includes("object"));
  if (types.every(isSame)) return fieldType(first);
  return types.every(isNumber) ? { kind: "float" } : ANY_TYPE;
}

function fieldType(type: Known): FieldType {
  return type.kind === "null" ? ANY_TYPE : type;
}

function wordOf(type: Known): string {
  return type.kind === "null" ? "null" : typeText(type);
}
