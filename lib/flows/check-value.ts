import { toPointer } from "../define-workflow.ts";
import type { Fault } from "../errors.ts";
import { isRecord } from "./fault.ts";
import {
  ANY_TYPE,
  FAULTS_MAX,
  type FieldType,
  mayFit,
  misfitText,
  typeFaults,
  typeText,
} from "./field-type.ts";
import type { Field } from "./fields.ts";
import { parseTemplate } from "./template.ts";

/**
 * Where a value of a file cannot fit a field, whatever its templates are filled with; at most `FAULTS_MAX`.
 *
 * @param value JSON whose templates can be read
 * @param typeOf the type of what a text gives once it is filled
 */
export function valueFaults(
  { type, isNullable }: Field,
  value: unknown,
  typeOf: (text: string) => FieldType,
): Fault[] {
  return value === null && isNullable ? [] : misfits(type, value, typeOf, []).slice(0, FAULTS_MAX);
}

function misfits(
  type: FieldType,
  value: unknown,
  typeOf: (text: string) => FieldType,
  path: readonly PropertyKey[],
): Fault[] {
  if (typeof value === "string" && hasLookups(value)) {
    const given = typeOf(value);
    if (mayFit(given, type)) return [];
    const what = isOneLookup(value)
      ? `${value} is ${misfitText(given, type)}`
      : "text around a lookup makes str";
    return [{ pointer: toPointer(path), detail: `Expected ${typeText(type)}, and ${what}` }];
  }
  return [
    ...typeFaults(shellOf(type, value), value, path),
    ...partsOf(type, value).flatMap(([key, part, held]) => misfits(part, held, typeOf, [...path, key])),
  ];
}

function hasLookups(text: string): boolean {
  return parseTemplate(text).some((part) => typeof part === "object");
}

function isOneLookup(text: string): boolean {
  return parseTemplate(text).length === 1;
}

/** The type with any type for the parts that the value has, which are looked at one by one. */
function shellOf(type: FieldType, value: unknown): FieldType {
  if (type.kind === "list") return { kind: "list", item: ANY_TYPE };
  if (type.kind === "dict") return { kind: "dict", key: type.key, value: ANY_TYPE };
  if (type.kind !== "object") return type;
  const parts = [...type.fields].map(([name, part]): [string, FieldType] => {
    return [name, isRecord(value) && Object.hasOwn(value, name) ? ANY_TYPE : part];
  });
  return { kind: "object", fields: new Map(parts) };
}

function partsOf(type: FieldType, value: unknown): [key: PropertyKey, type: FieldType, value: unknown][] {
  if (type.kind === "list" && Array.isArray(value))
    return value.map((item, index) => [index, type.item, item]);
  if (!isRecord(value)) return [];
  return Object.entries(value).flatMap(([key, part]) => {
    const known =
      type.kind === "dict" ? type.value : type.kind === "object" ? type.fields.get(key) : undefined;
    return known === undefined ? [] : [[key, known, part]];
  });
}
