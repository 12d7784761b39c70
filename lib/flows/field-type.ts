import { toPointer } from "../define-workflow.ts";
import type { Fault } from "../errors.ts";
import { hasOddNumber } from "../json.ts";
import { isRecord } from "./fault.ts";

/** What a field may hold. `any` is the part of a plain list or dict and has no name in a file. */
export type FieldType =
  | { readonly kind: "any" | "str" | "int" | "float" | "bool" }
  | { readonly kind: "list"; readonly item: FieldType }
  | { readonly kind: "dict"; readonly key: "str" | "int"; readonly value: FieldType }
  | { readonly kind: "object"; readonly fields: ReadonlyMap<string, FieldType> };

/** A type as a file writes it; `object` names the types of its parts in `schema`, which others have not. */
export interface TypeForm {
  /** `str int float bool list list[T] dict dict[K,V] object`. */
  readonly type: string;
  readonly schema?: Readonly<Record<string, string | TypeForm>>;
  readonly description?: string;
}

/** The types by name, for messages. */
export const TYPE_NAMES: readonly string[] = ["str", "int", "float", "bool", "list", "dict", "object"];

/** The most faults that one value is told about: a list of a million wrong items needs no million faults. */
export const FAULTS_MAX = 100;

/** Holds anything. */
export const ANY_TYPE: FieldType = { kind: "any" };

/** How deep types may stand in each other: far above what people write, far below where the stack ends. */
export const TYPES_DEPTH_MAX = 8;

/** The type that a text such as `dict[str, list[int]]` names, or null for none; at most 8 types deep. */
export function parseFieldType(text: string, depth = 1): FieldType | null {
  const word = text.trim();
  if (word === "str" || word === "int" || word === "float" || word === "bool") return { kind: word };
  if (word === "list") return { kind: "list", item: ANY_TYPE };
  if (word === "dict" || word === "object") return { kind: "dict", key: "str", value: ANY_TYPE };
  const [, name, inner] = /^(list|dict)\[(.*)\]$/s.exec(word) ?? [];
  if (inner === undefined || depth >= TYPES_DEPTH_MAX) return null;
  if (name === "list") {
    const item = parseFieldType(inner, depth + 1);
    return item === null ? null : { kind: "list", item };
  }
  // JSON's keys are text, so a key's type is text or a whole number written as text, and has no comma of its own.
  const [, key, rest] = /^\s*(str|int)\s*,(.*)$/s.exec(inner) ?? [];
  const value = rest === undefined ? null : parseFieldType(rest, depth + 1);
  return value === null ? null : { kind: "dict", key: key === "int" ? "int" : "str", value };
}

/** The type of a form that was checked; `any` where it names none. */
export function typeOfForm({ type, schema }: TypeForm): FieldType {
  if (type.trim() !== "object" || schema === undefined) return parseFieldType(type) ?? ANY_TYPE;
  const parts = Object.entries(schema).map(([name, part]) => {
    const form = typeof part === "string" ? { type: part } : part;
    return [name, typeOfForm(form)] as const;
  });
  return { kind: "object", fields: new Map(parts) };
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
  if (typeof value === "number" && !Number.isFinite(value)) return "a number that JSON does not have";
  if (typeof value === "number") return Number.isSafeInteger(value) ? "int" : "float";
  return "dict";
}

/** False where no value of the one type fits the other. */
export function mayFit(from: FieldType, to: FieldType): boolean {
  if (from.kind === "any" || to.kind === "any") return true;
  if (from.kind === "int" && to.kind === "float") return true;
  // A float may be a whole number.
  if (from.kind === "float" && to.kind === "int") return true;
  if (from.kind === "list" && to.kind === "list") return mayFit(from.item, to.item);
  if (from.kind === "dict" && to.kind === "dict") return mayFit(from.value, to.value);
  if (from.kind === "object") return misfitOf(from, to) === null;
  if (from.kind === "dict" && to.kind === "object") {
    return [...to.fields.values()].every((part) => mayFit(from.value, part));
  }
  return from.kind === to.kind;
}

/** What does not fit, of an object with the part that is to blame. */
export function misfitText(from: FieldType, to: FieldType): string {
  const part = from.kind === "object" ? misfitOf(from, to) : null;
  return part ? `object ${part}` : typeText(from);
}

/** The first part of an object that is too many, missing or of another type; null for none, "" for what is no object. */
function misfitOf({ fields }: Extract<FieldType, { kind: "object" }>, to: FieldType): string | null {
  if (to.kind !== "object" && to.kind !== "dict") return "";
  for (const [name, part] of fields) {
    const wanted = to.kind === "dict" ? to.value : to.fields.get(name);
    if (wanted === undefined) return `with ${name}`;
    if (!mayFit(part, wanted)) return `whose ${name} is ${misfitText(part, wanted)}`;
  }
  const missing = to.kind === "dict" ? undefined : [...to.fields.keys()].find((name) => !fields.has(name));
  return missing === undefined ? null : `without ${missing}`;
}

/** Where a value does not fit a type; at most `FAULTS_MAX`, without the value. */
export function typeFaults(type: FieldType, value: unknown, path: readonly PropertyKey[] = []): Fault[] {
  const faults: Fault[] = [];
  findTypeFaults(type, value, path, faults);
  return faults;
}

/** As `typeFaults`, added to those that were found before. */
export function findTypeFaults(
  type: FieldType,
  value: unknown,
  path: readonly PropertyKey[],
  faults: Fault[],
): void {
  if (faults.length >= FAULTS_MAX) return;
  if (!isOfKind(type.kind, value)) {
    faults.push({
      pointer: toPointer(path),
      detail: `Expected ${typeText(type)}, found ${isLongWhole(type, value) ? "a whole number beyond 2^53" : typeOf(value)}`,
    });
  } else if (type.kind === "any" && hasOddNumber(value)) {
    faults.push({
      pointer: toPointer(path),
      detail: `Expected numbers that JSON has, found one that it would make null`,
    });
  } else if (type.kind === "list" && Array.isArray(value)) {
    for (const [index, item] of value.entries()) findTypeFaults(type.item, item, [...path, index], faults);
  } else if (type.kind === "dict" && isRecord(value)) {
    findDictFaults(type, value, path, faults);
  } else if (type.kind === "object" && isRecord(value)) {
    findObjectFaults(type.fields, value, path, faults);
  }
}

/** It has lost digits when it was read. */
function isLongWhole(type: FieldType, value: unknown): boolean {
  return type.kind === "int" && Number.isInteger(value);
}

function findDictFaults(
  { key, value: type }: Extract<FieldType, { kind: "dict" }>,
  value: Readonly<Record<string, unknown>>,
  path: readonly PropertyKey[],
  faults: Fault[],
): void {
  for (const [name, item] of Object.entries(value)) {
    if (faults.length >= FAULTS_MAX) return;
    if (key === "int" && !/^-?\d+$/.test(name)) {
      faults.push({
        pointer: toPointer([...path, name]),
        detail: "Expected a key that is a whole number, found text",
      });
    }
    findTypeFaults(type, item, [...path, name], faults);
  }
}

function findObjectFaults(
  fields: ReadonlyMap<string, FieldType>,
  value: Readonly<Record<string, unknown>>,
  path: readonly PropertyKey[],
  faults: Fault[],
): void {
  for (const [name, type] of fields) {
    findTypeFaults(type, Object.hasOwn(value, name) ? value[name] : undefined, [...path, name], faults);
  }
  for (const name of Object.keys(value)) {
    if (faults.length >= FAULTS_MAX) return;
    if (fields.has(name)) continue;
    const detail = `Expected no such part: the object has ${[...fields.keys()].join(", ")}`;
    faults.push({ pointer: toPointer([...path, name]), detail });
  }
}

function isOfKind(kind: FieldType["kind"], value: unknown): boolean {
  if (kind === "any") return value !== undefined;
  if (kind === "float") return typeof value === "number" && Number.isFinite(value);
  if (kind === "object") return isRecord(value);
  return typeOf(value) === kind;
}
