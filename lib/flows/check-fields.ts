import { messageOf } from "../errors.ts";
import { compileEventExpression } from "../event-filter.ts";
import { nearest } from "../nearest.ts";
import { type FlowFault, inSentence, isRecord, type Place, show } from "./fault.ts";
import {
  type FieldType,
  mayFit,
  parseFieldType,
  TYPE_NAMES,
  TYPES_DEPTH_MAX,
  typeFaults,
  typeOfForm,
  typeText,
} from "./field-type.ts";

const FIELD_NAME = /^[A-Za-z_][A-Za-z0-9_-]{0,63}$/;

/** `state` and `env` begin lookups; the others mean something to JavaScript. */
const RESERVED = ["state", "env", "__proto__", "constructor", "prototype"];

/** True for what fields, local names and parts of objects may be called. */
export function isFieldName(name: string): boolean {
  return FIELD_NAME.test(name) && !RESERVED.includes(name);
}

/** Says how a name is to look. */
export const FIELD_NAME_HINT: string = `give letters, digits, "_" and "-", at most 64, and not ${RESERVED.join(", ")}`;

/** The faults of the declared fields, beyond their form. */
export function checkFields(fields: Readonly<Record<string, unknown>>): FlowFault[] {
  return Object.entries(fields).flatMap(([name, field]) => {
    const place = ["state", "fields", name];
    const faults: FlowFault[] = [];
    if (!isFieldName(name)) {
      faults.push({ place, detail: `Cannot name a field ${show(name)}: ${FIELD_NAME_HINT}` });
    }
    if (!isRecord(field) || typeof field.type !== "string") return faults;
    const types = checkType(field, place, `field ${show(name)}`);
    if (types.length > 0) return [...faults, ...types];
    const type = typeOfForm(field as { type: string });
    return [...faults, ...defaultFaults(name, field, type, place), ...sourceFaults(name, field, type, place)];
  });
}

/**
 * The faults of a type and of the types within it.
 *
 * @param what whose type it is, for messages
 */
export function checkType(
  { type: text, schema }: Readonly<Record<string, unknown>>,
  place: Place,
  what: string,
  depth = 1,
): FlowFault[] {
  if (typeof text !== "string") return [];
  if (parseFieldType(text, depth) === null) {
    const near = OTHER_TYPE_NAMES.get(text) ?? nearest(text, TYPE_NAMES);
    const hint = near === null ? "" : `did you mean ${near}? `;
    const detail = `Cannot use ${show(text)} as type of ${what}: ${hint}Types are ${TYPE_NAMES.join(", ")}, list[str], dict[str,int]`;
    return [{ place: [...place, "type"], detail }];
  }
  if (schema === undefined || !isRecord(schema)) return [];
  const at = [...place, "schema"];
  if (text.trim() !== "object") {
    return [
      { place: at, detail: `Cannot use a schema for ${what}: only an object has parts, and this is ${text}` },
    ];
  }
  if (depth >= TYPES_DEPTH_MAX)
    return [{ place: at, detail: `Cannot use types more than ${TYPES_DEPTH_MAX} deep` }];
  return Object.entries(schema).flatMap(([name, part]) => {
    if (!isFieldName(name))
      return [{ place: [...at, name], detail: `Cannot name a part ${show(name)}: ${FIELD_NAME_HINT}` }];
    const inner = `part ${show(name)} of ${what}`;
    if (isRecord(part)) return checkType(part, [...at, name], inner, depth + 1);
    // Of a short form the place is the part itself.
    return checkType({ type: part }, [...at, name], inner, depth + 1).map((fault) => ({
      ...fault,
      place: [...at, name],
    }));
  });
}

/** What other languages call the types. */
const OTHER_TYPE_NAMES: ReadonlyMap<string, string> = new Map([
  ["string", "str"],
  ["integer", "int"],
  ["number", "float"],
  ["boolean", "bool"],
  ["array", "list"],
]);

function defaultFaults(
  name: string,
  field: Readonly<Record<string, unknown>>,
  type: FieldType,
  place: Place,
): FlowFault[] {
  // A default of null says that the field may be null.
  if (field.default === undefined || field.default === null) return [];
  const at = [...place, "default"];
  if (field.required === true) {
    return [
      {
        place: at,
        detail: `Cannot use a default for field ${show(name)}: it is required, so that the inputs always give it`,
      },
    ];
  }
  return typeFaults(type, field.default).map((fault) => ({
    place: at,
    detail: `Cannot use ${show(field.default)} as default of field ${show(name)}${fault.pointer}: ${inSentence(fault)}`,
  }));
}

function sourceFaults(
  name: string,
  { from }: Readonly<Record<string, unknown>>,
  type: FieldType,
  place: Place,
): FlowFault[] {
  if (typeof from !== "string") return [];
  const at = [...place, "from"];
  try {
    const given = CEL_TYPES.get(compileEventExpression(from).type);
    if (given === undefined || mayFit(given, type)) return [];
    return [
      {
        place: at,
        detail: `Cannot fill field ${show(name)} from ${show(from)}: expected ${typeText(type)}, and it gives ${typeText(given)}`,
      },
    ];
  } catch (error) {
    return [{ place: at, detail: `Cannot fill field ${show(name)} from ${show(from)}: ${messageOf(error)}` }];
  }
}

const CEL_TYPES: ReadonlyMap<string, FieldType> = new Map([
  ["string", { kind: "str" }],
  ["bool", { kind: "bool" }],
  ["int", { kind: "int" }],
  ["double", { kind: "float" }],
]);
