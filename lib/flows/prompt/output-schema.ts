import * as v from "valibot";
import { checkType } from "../check-fields.ts";
import { type Place, show } from "../fault.ts";
import { ANY_TYPE, type FieldType, type TypeForm, typeOfForm } from "../field-type.ts";
import type { Fields } from "../fields.ts";
import type { NodeForm } from "../node-kind.ts";
import { partsForm, typeText } from "../type-form.ts";

/** What the model is to give: an object of fields, or in short the type of a single output. */
export interface OutputSchemaForm extends TypeForm {
  readonly fields?: readonly OutputFieldForm[] | undefined;
}

/** A field of the answer. */
export interface OutputFieldForm extends TypeForm {
  readonly name: string;
}

/** The parts of the answer, by name. */
export type OutputFields = ReadonlyMap<string, OutputField>;

/** A part of the answer. */
export interface OutputField {
  readonly type: FieldType;
  readonly description: string | undefined;
}

/** JSON Schema, draft-07, as far as types need it. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** The most parts of an answer; more than any model fills in well. */
const FIELDS_MAX = 100;

const description = v.exactOptional(
  v.pipe(v.string("give text"), v.description("What it is; the model reads this")),
);
const schema = v.exactOptional(v.pipe(partsForm, v.description("The parts of an object and their types")));

/** The form of `output_schema`. */
export const outputSchemaForm: v.GenericSchema = v.strictObject({
  type: typeText,
  description,
  schema,
  fields: v.exactOptional(
    v.pipe(
      v.array(
        v.strictObject({
          name: v.pipe(
            v.string("give a name"),
            v.regex(
              /^[A-Za-z_][A-Za-z0-9_-]{0,63}$/,
              "give letters, digits, underscore and hyphen, at most 64, beginning with a letter or underscore",
            ),
            v.description("The name of the part, as outputs take it"),
          ),
          type: typeText,
          description,
          schema,
        }),
        "give a list of { name, type }",
      ),
      v.minLength(1, "give at least one field"),
      v.maxLength(FIELDS_MAX, `give at most ${FIELDS_MAX} fields`),
      v.description("The parts of the answer"),
    ),
  ),
});

/**
 * The parts of the answer.
 *
 * @param fields the flow's, which give the types where the node has no `output_schema`; without them it is `any`
 */
export function outputFields(node: NodeForm, fields?: Fields): OutputFields {
  const schema = schemaOf(node);
  if (schema?.fields !== undefined) {
    return new Map(schema.fields.map((form) => [form.name, toField(form)]));
  }
  const taken = takenParts(node);
  return new Map(
    taken.map(({ field, part }) => {
      if (schema !== null) return [part, toField(schema)];
      return [part, { type: fields?.get(field)?.type ?? ANY_TYPE, description: undefined }];
    }),
  );
}

/** True where the answer's text is the output itself, and no JSON around it: one `str` that no object was asked for. */
export function isPlainText(node: NodeForm, outputs: OutputFields): boolean {
  const [only, ...others] = outputs.values();
  return schemaOf(node)?.fields === undefined && others.length === 0 && only?.type.kind === "str";
}

/** Tells of what is wrong with `outputs` and `output_schema` beyond their forms, except types that do not fit the state's. */
export function checkOutputSchema(node: NodeForm, fault: (place: Place, detail: string) => void): void {
  const schema = schemaOf(node);
  const taken = takenParts(node);
  const at = ["output_schema"];
  if (taken.length === 0) {
    fault(["prompt"], "Cannot use the answer of the prompt: give outputs, the fields that take it");
    return;
  }
  if (schema === null) {
    const deep = taken.filter(({ isDeep }) => isDeep);
    for (const { field } of deep) {
      fault(
        ["outputs", field],
        `Cannot take a part of an answer for ${field}: give output_schema, which says what it has`,
      );
    }
    return;
  }
  if (schema.fields !== undefined) {
    if (schema.type.trim() !== "object") {
      fault([...at, "type"], `Cannot give ${show(schema.type)} fields: write type: object`);
    }
    if (schema.schema !== undefined) {
      fault([...at, "schema"], "Cannot use fields and schema at once: leave one out");
    }
    checkFields(schema.fields, [...at, "fields"], fault);
    return;
  }
  for (const { place, detail } of checkType({ ...schema }, at, "the answer")) fault(place, detail);
  const names = new Set(taken.map(({ part }) => part));
  if (names.size > 1) {
    const example = taken.map(({ part }) => `{ name: ${part}, type: ... }`).join(", ");
    fault(at, `Cannot use one type for ${names.size} outputs: write type: object and fields: [${example}]`);
  }
}

/** The JSON Schema that the answer has to fit; every part is required. */
export function toJsonSchema(outputs: OutputFields): JsonSchema {
  return objectSchema(
    [...outputs].map(([name, { type, description }]) => {
      const schema = typeSchema(type);
      return [name, description === undefined ? schema : { ...schema, description }] as const;
    }),
  );
}

/** False where keys or types are left open, which no provider can hold a model to. */
export function isClosed(type: FieldType): boolean {
  if (type.kind === "list") return isClosed(type.item);
  if (type.kind === "object") return [...type.fields.values()].every(isClosed);
  return type.kind !== "any" && type.kind !== "dict";
}

function typeSchema(type: FieldType): JsonSchema {
  switch (type.kind) {
    case "any":
      return {};
    case "str":
      return { type: "string" };
    case "int":
      return { type: "integer" };
    case "float":
      return { type: "number" };
    case "bool":
      return { type: "boolean" };
    case "list":
      return { type: "array", items: typeSchema(type.item) };
    case "dict":
      return {
        type: "object",
        additionalProperties: type.value.kind === "any" ? true : typeSchema(type.value),
      };
    case "object":
      return objectSchema([...type.fields].map(([name, part]) => [name, typeSchema(part)] as const));
  }
}

function objectSchema(entries: readonly (readonly [string, JsonSchema])[]): JsonSchema {
  return {
    type: "object",
    properties: Object.fromEntries(entries),
    required: entries.map(([name]) => name),
    additionalProperties: false,
  };
}

function schemaOf(node: NodeForm): OutputSchemaForm | null {
  return (node.output_schema as OutputSchemaForm | undefined) ?? null;
}

function toField(form: TypeForm): OutputField {
  return { type: typeOfForm(form), description: form.description };
}

/** The fields of the state that the node fills, and the part of the answer that each takes. */
function takenParts({ outputs = [] }: NodeForm): { field: string; part: string; isDeep: boolean }[] {
  const entries = Array.isArray(outputs)
    ? outputs.map((field: string) => [field, field] as const)
    : Object.entries(outputs as Readonly<Record<string, string>>);
  return entries.map(([field, path]) => {
    const [part = "", ...rest] = path.split(".");
    return { field, part, isDeep: rest.length > 0 };
  });
}

function checkFields(
  fields: readonly OutputFieldForm[],
  place: Place,
  fault: (place: Place, detail: string) => void,
): void {
  const names = new Set<string>();
  for (const [index, form] of fields.entries()) {
    if (names.has(form.name)) {
      fault([...place, index, "name"], `Cannot use the name ${show(form.name)} twice in output_schema`);
    }
    names.add(form.name);
    for (const found of checkType({ ...form }, [...place, index], `output ${show(form.name)}`)) {
      fault(found.place, found.detail);
    }
  }
}
