import * as v from "valibot";
import { valueFaults } from "../check-value.ts";
import { inSentence, show } from "../fault.ts";
import { mapping } from "../mapping.ts";
import type { NodeKind } from "../node-kind.ts";
import { suggest } from "../suggest.ts";
import { compileTemplates } from "../template.ts";

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
  check(form, _node, { fields, fault, templates, typeOf }) {
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
      for (const found of valueFaults(field, value, typeOf)) {
        fault(place, `Cannot write ${show(value)} to ${name}${found.pointer}: ${inSentence(found)}`);
      }
    }
  },
  prepare(form) {
    const fill = Object.entries(form).map(([name, value]) => [name, compileTemplates(value)] as const);
    return ({ values }) => Object.fromEntries(fill.map(([name, fillField]) => [name, fillField(values)]));
  },
};
