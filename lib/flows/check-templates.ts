import { messageOf } from "../errors.ts";
import { type FlowFault, isRecord, type Place, show } from "./fault.ts";
import { ANY_TYPE, type FieldType } from "./field-type.ts";
import type { Fields } from "./fields.ts";
import { suggest } from "./suggest.ts";
import { type Lookup, parseTemplate, type Template } from "./template.ts";
import { typeAt } from "./type-at.ts";

/** A text of 1 MiB has room for 300,000 lookups, and who mends the first twenty has seen what is wrong. */
const TEXT_FAULTS_MAX = 20;

/** What the templates of a place may read. */
export interface Names {
  readonly fields: Fields;
  /** The node's inputs, and what its edge gives it. They hide fields of the same name. */
  readonly locals: ReadonlyMap<string, FieldType>;
  /** The declared variables of the environment. */
  readonly env: ReadonlySet<string>;
  /** False where what is filled in is stored or shown. */
  readonly mayReadEnv: boolean;
}

/** The faults of every template in a JSON value. */
export function findTemplateFaults(value: unknown, place: Place, names: Names): FlowFault[] {
  if (typeof value === "string") return templateFaults(value, names).map((detail) => ({ place, detail }));
  if (Array.isArray(value)) {
    return value.flatMap((part, index) => findTemplateFaults(part, [...place, index], names));
  }
  if (!isRecord(value)) return [];
  return Object.entries(value).flatMap(([key, part]) => findTemplateFaults(part, [...place, key], names));
}

/** The type of what a text without faults gives once it is filled: of a single lookup what is there, else text. */
export function typeOfTemplate(text: string, names: Names): FieldType {
  const template = tryTemplate(text);
  const [only] = template;
  if (template.length !== 1 || typeof only !== "object" || only.root === "env") return { kind: "str" };
  const [name, ...parts] = only.path;
  const type = typeAt(name, knownType(only.root, name, names) ?? ANY_TYPE, parts);
  return typeof type === "string" ? ANY_TYPE : type;
}

/** The type of a JSON value once its templates are filled. */
export function typeOfValue(value: unknown, names: Names): FieldType {
  if (typeof value === "string") return typeOfTemplate(value, names);
  if (typeof value === "boolean") return { kind: "bool" };
  if (typeof value === "number") return { kind: Number.isSafeInteger(value) ? "int" : "float" };
  if (Array.isArray(value)) return { kind: "list", item: ANY_TYPE };
  if (!isRecord(value)) return ANY_TYPE;
  const parts = Object.entries(value).map(([key, part]) => [key, typeOfValue(part, names)] as const);
  return { kind: "object", fields: new Map(parts) };
}

/** Every lookup in a JSON value; what cannot be read as a template has none. */
export function lookupsIn(value: unknown): Lookup[] {
  if (typeof value === "string") {
    const template = tryTemplate(value);
    return typeof template === "string" ? [] : template.filter((part) => typeof part === "object");
  }
  if (typeof value !== "object" || value === null) return [];
  return Object.values(value).flatMap(lookupsIn);
}

function templateFaults(text: string, names: Names): string[] {
  const template = tryTemplate(text);
  if (typeof template === "string") return [template];
  const faults: string[] = [];
  for (const part of template) {
    if (faults.length >= TEXT_FAULTS_MAX) break;
    if (typeof part === "object") faults.push(...lookupFaults(part, names));
  }
  return faults;
}

function lookupFaults({ root, path, text }: Lookup, names: Names): string[] {
  const [name, ...parts] = path;
  if (root === "env") return envFaults([name, ...parts], text, names);
  const known = knownType(root, name, names);
  if (known === undefined) {
    if (root === "name" && ["item", "index"].includes(name)) {
      return [`Cannot read ${text}: it is there for the target of a parallel edge only`];
    }
    const all = root === "name" ? [...names.locals.keys(), ...names.fields.keys()] : names.fields.keys();
    return [`Cannot read ${text}: state.fields has no ${show(name)}; ${suggest(name, all)}`];
  }
  const type = typeAt(name, known, parts);
  return typeof type === "string" ? [`Cannot read ${text}: ${type}`] : [];
}

/** The type of what a lookup begins with, undefined where there is no such name. */
function knownType(root: "state" | "name", name: string, { locals, fields }: Names): FieldType | undefined {
  return (root === "name" ? locals.get(name) : undefined) ?? fields.get(name)?.type;
}

function envFaults([name, ...parts]: readonly [string, ...string[]], text: string, names: Names): string[] {
  if (!names.env.has(name)) {
    const way = names.env.size === 0 ? `add env: [${name}] to the flow` : suggest(name, names.env);
    return [`Cannot read ${text}: the flow's env does not declare ${show(name)}; ${way}`];
  }
  if (parts.length > 0) return [`Cannot read ${text}: ${name} is text and has no parts`];
  if (names.mayReadEnv) return [];
  return [
    `Cannot read ${text} here: what is filled in is stored or shown; use it in what an http node sends, or in env or stdin of exec`,
  ];
}

function tryTemplate(text: string): Template | string {
  try {
    return parseTemplate(text);
  } catch (error) {
    return messageOf(error);
  }
}
