import * as v from "valibot";
import { inSentence, show } from "../fault.ts";
import { mayFit, typeText } from "../field-type.ts";
import { type Field, fieldFaults } from "../fields.ts";
import { mapping } from "../mapping.ts";
import type { NodeKind } from "../node-kind.ts";
import { suggest } from "../suggest.ts";
import { compileTemplates, parseTemplate } from "../template.ts";

/** Writes literal values and templates into fields of the state. */
export type SetForm = Readonly<Record<string, unknown>>;

/** All templates are filled from the state before the node, so that two fields can change places. */
export const set: NodeKind<SetForm> = {
  form: v.pipe(
    mapping(v.unknown(), "give a mapping of field names to values"),
    v.description(
      'Fields to write: values, and templates such as "Hello {state.name}"; a single {lookup} keeps its type',
    ),
  ),
  options: {},
  isGroup: false,
  partsOf: () => null,
  check(form, _node, { fields, fault, templates }) {
    if (Object.keys(form).length === 0)
      fault(["set"], "Cannot use {} as set: give at least one field to write");
    for (const [name, value] of Object.entries(form)) {
      const place = ["set", name];
      const field = fields.get(name);
      if (field === undefined) {
        const way = suggest(name, fields.keys());
        fault(place, `Cannot write ${show(name)}: state.fields has no such field; ${way}`);
      }
      if (!templates(value, place) || field === undefined) continue;
      for (const detail of valueFaults(name, field, value, (path) => fields.get(path))) fault(place, detail);
    }
  },
  prepare(form) {
    const fill = Object.entries(form).map(([name, value]) => [name, compileTemplates(value)] as const);
    return ({ values }) => Object.fromEntries(fill.map(([name, fillField]) => [name, fillField(values)]));
  },
};

/** A value without lookups is written as it is, and text around a lookup stays text; what else comes is seen at run time. */
function valueFaults(
  name: string,
  field: Field,
  value: unknown,
  fieldOf: (name: string) => Field | undefined,
): string[] {
  if (!hasLookups(value)) {
    return fieldFaults(field, value).map(
      (fault) => `Cannot write ${show(value)} to ${name}${fault.pointer}: ${inSentence(fault)}`,
    );
  }
  if (typeof value !== "string") return [];
  const template = parseTemplate(value);
  const [first] = template;
  if (template.length === 1 && typeof first === "object") {
    const [from, ...deeper] = first.path;
    const source = first.root === "state" && deeper.length === 0 ? fieldOf(from) : undefined;
    if (source === undefined || mayFit(source.type, field.type)) return [];
    return [
      `Cannot write ${show(value)} to ${name}: expected ${typeText(field.type)}, and ${from} is ${typeText(source.type)}`,
    ];
  }
  if (field.type.kind === "str" || field.type.kind === "any") return [];
  return [
    `Cannot write ${show(value)} to ${name}: expected ${typeText(field.type)}, and text around a lookup makes str`,
  ];
}

function hasLookups(value: unknown): boolean {
  if (typeof value === "string") return parseTemplate(value).some((part) => typeof part === "object");
  if (typeof value !== "object" || value === null) return false;
  return Object.values(value).some(hasLookups);
}
