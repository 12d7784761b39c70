import { toPointer } from "../define-workflow.ts";
import type { Fault } from "../errors.ts";
import type { Validation } from "../workflow.ts";
import { isRecord } from "./fault.ts";
import type { FieldForm } from "./form.ts";

/** The values of a flow's fields; one that nothing has filled yet is absent. */
export type State = Readonly<Record<string, unknown>>;

/** What a field may hold. `any` is the part of a plain list or dict and has no name in a file. */
export type FieldType =
  | { readonly kind: "any" | "str" | "int" | "float" | "bool" }
  | { readonly kind: "list"; readonly item: FieldType }
  | { readonly kind: "dict"; readonly key: "str" | "int"; readonly value: FieldType };

/** A declared field. */
export interface Field {
  readonly type: FieldType;
  readonly isRequired: boolean;
  /** undefined where it has none. */
  readonly default: unknown;
}

/** The declared fields by name. */
export type Fields = ReadonlyMap<string, Field>;

/** The types by name, for messages. */
export const TYPE_NAMES: readonly string[] = ["str", "int", "float", "bool", "list", "dict"];

/** The most faults that one input is told about: a list of a million wrong items needs no million faults. */
export const FAULTS_MAX = 100;

/** Holds anything. */
export const ANY_TYPE: FieldType = { kind: "any" };

const NESTING_MAX = 8;

/**
 * The fields of a flow whose form was checked.
 *
 * @throws {TypeError} a type that `parseFieldType` does not know
 */
export function parseFields(forms: Readonly<Record<string, FieldForm>>): Fields {
  return new Map(
    Object.entries(forms).map(([name, form]) => {
      const type = parseFieldType(form.type);
      if (type === null) throw new TypeError(`Cannot use ${JSON.stringify(form.type)} as type of ${name}`);
      return [name, { type, isRequired: form.required === true, default: form.default }];
    }),
  );
}

/** The type that a text such as `dict[str, list[int]]` names, or null for none; at most 8 types deep. */
export function parseFieldType(text: string, depth = 1): FieldType | null {
  const word = text.trim();
  if (word === "str" || word === "int" || word === "float" || word === "bool") return { kind: word };
  if (word === "list") return { kind: "list", item: ANY_TYPE };
  if (word === "dict") return { kind: "dict", key: "str", value: ANY_TYPE };
  const [, name, inner] = /^(list|dict)\[(.*)\]$/s.exec(word) ?? [];
  if (inner === undefined || depth >= NESTING_MAX) return null;
  if (name === "list") {
    const item = parseFieldType(inner, depth + 1);
    return item === null ? null : { kind: "list", item };
  }
  // JSON's keys are text, so a key's type is text or a whole number written as text, and has no comma of its own.
  const [, key, rest] = /^\s*(str|int)\s*,(.*)$/s.exec(inner) ?? [];
  const value = rest === undefined ? null : parseFieldType(rest, depth + 1);
  return value === null ? null : { kind: "dict", key: key === "int" ? "int" : "str", value };
}

/** The type as a file writes it. */
export function typeText(type: FieldType): string {
  if (type.kind === "list" && type.item.kind !== "any") return `list[${typeText(type.item)}]`;
  if (type.kind === "dict" && type.value.kind !== "any") return `dict[${type.key},${typeText(type.value)}]`;
  return type.kind;
}

/** What a value is, in the same words; never the value. */
export function typeOf(value: unknown): string {
  if (value === undefined) return "nothing";
  if (value === null) return "null";
  if (Array.isArray(value)) return "list";
  if (typeof value === "string") return "str";
  if (typeof value === "boolean") return "bool";
  if (typeof value === "number") return Number.isSafeInteger(value) ? "int" : "float";
  return "dict";
}

/**
 * The inputs as the first state, with defaults filled in, or what is wrong with them. Nothing is coerced.
 *
 * @returns faults with pointers into the inputs, at most `FAULTS_MAX`, never with a value
 */
export function initialState(fields: Fields, inputs: unknown): Validation<State> {
  if (!isRecord(inputs)) {
    return { faults: [{ pointer: "", detail: `Expected an object of inputs, found ${typeOf(inputs)}` }] };
  }
  const faults: Fault[] = [];
  const state: [string, unknown][] = [];
  for (const [name, field] of fields) {
    const value = Object.hasOwn(inputs, name) ? inputs[name] : undefined;
    if (value !== undefined) {
      findTypeFaults(field.type, value, [name], faults);
      state.push([name, value]);
    } else if (field.isRequired) {
      faults.push({ pointer: toPointer([name]), detail: `Expected ${typeText(field.type)}, found nothing` });
    } else if (field.default !== undefined) {
      state.push([name, field.default]);
    }
  }
  for (const name of Object.keys(inputs)) {
    if (faults.length >= FAULTS_MAX) break;
    if (!fields.has(name)) {
      const known = [...fields.keys()].join(", ");
      faults.push({ pointer: toPointer([name]), detail: `Unknown input: the flow takes ${known || "none"}` });
    }
  }
  return faults.length > 0 ? { faults } : { value: Object.fromEntries(state) };
}

/** Where a value does not fit a type; at most `FAULTS_MAX`, without the value. */
export function typeFaults(type: FieldType, value: unknown, path: readonly PropertyKey[] = []): Fault[] {
  const faults: Fault[] = [];
  findTypeFaults(type, value, path, faults);
  return faults;
}

function findTypeFaults(
  type: FieldType,
  value: unknown,
  path: readonly PropertyKey[],
  faults: Fault[],
): void {
  if (faults.length >= FAULTS_MAX) return;
  if (!isOfKind(type.kind, value)) {
    faults.push({
      pointer: toPointer(path),
      detail: `Expected ${typeText(type)}, found ${typeOf(value)}`,
    });
  } else if (type.kind === "list" && Array.isArray(value)) {
    for (const [index, item] of value.entries()) findTypeFaults(type.item, item, [...path, index], faults);
  } else if (type.kind === "dict" && isRecord(value)) {
    for (const [key, item] of Object.entries(value)) {
      if (faults.length >= FAULTS_MAX) return;
      if (type.key === "int" && !/^-?\d+$/.test(key)) {
        faults.push({
          pointer: toPointer([...path, key]),
          detail: "Expected a key that is a whole number, found text",
        });
      }
      findTypeFaults(type.value, item, [...path, key], faults);
    }
  }
}

function isOfKind(kind: FieldType["kind"], value: unknown): boolean {
  if (kind === "any") return true;
  if (kind === "float") return typeof value === "number" && Number.isFinite(value);
  return typeOf(value) === kind;
}
