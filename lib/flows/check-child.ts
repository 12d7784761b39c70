import { edgeLocals } from "./check-nodes.ts";
import { typeOfTemplate } from "./check-templates.ts";
import { valueFaults } from "./check-value.ts";
import { type FlowFault, inSentence, type Place, show } from "./fault.ts";
import { ANY_TYPE, type FieldType, mayFit, misfitText, typeText } from "./field-type.ts";
import type { Field, Fields } from "./fields.ts";
import type { NodeForm } from "./node-kind.ts";
import { outputsOf, WHOLE } from "./outputs.ts";
import { suggest } from "./suggest.ts";
import { typeAt } from "./type-at.ts";

/**
 * The faults between a node and the flow that it runs: inputs that are missing, unknown or of another type, and outputs
 * that the final state does not have.
 *
 * @param node one without faults of its own, in a flow of these `fields`
 * @param item the type of the items where the node runs for each of a parallel edge, else null
 * @param child the fields of the flow that it runs
 */
export function checkChild(
  node: NodeForm,
  place: Place,
  { fields, item }: { fields: Fields; item: FieldType | null },
  child: Fields,
): FlowFault[] {
  const { inputs = {} } = node;
  const name = show(node.workflow);
  const typeOf = (text: string): FieldType =>
    typeOfTemplate(text, { fields, locals: edgeLocals(item), env: new Set(), mayReadEnv: false });
  const faults: FlowFault[] = [];
  for (const [input, value] of Object.entries(inputs)) {
    const at = [...place, "inputs", input];
    const field = child.get(input);
    if (field === undefined) {
      const detail = `Cannot hand ${show(input)} to workflow ${name}: it has no such field; ${suggest(input, child.keys())}`;
      faults.push({ place: at, detail });
      continue;
    }
    for (const found of valueFaults(field, value, typeOf)) {
      const detail = `Cannot hand ${show(value)} to workflow ${name} as ${input}${found.pointer}: ${inSentence(found)}`;
      faults.push({ place: at, detail });
    }
  }
  for (const [input, { isRequired }] of child) {
    if (!isRequired || Object.hasOwn(inputs, input)) continue;
    faults.push({
      place: [...place, "workflow"],
      detail: `Cannot run workflow ${name} without ${show(input)}: add it to the node's inputs`,
    });
  }
  return [...faults, ...outputFaults(node, place, fields, child)];
}

function outputFaults(node: NodeForm, place: Place, fields: Fields, child: Fields): FlowFault[] {
  const state = objectOf([...child]);
  return outputsOf(node, WHOLE).flatMap(({ field, path: [, ...path] }, index) => {
    const at = [...place, "outputs", Array.isArray(node.outputs) ? index : field];
    const type = typeAt("result", state, path);
    if (typeof type === "string") {
      return [{ place: at, detail: `Cannot take ${show(path.join("."))} for ${field}: ${type}` }];
    }
    const expected = fields.get(field)?.type ?? ANY_TYPE;
    const given = path.length > 0 ? type : wholeState(child, expected);
    if (mayFit(given, expected)) return [];
    const detail = `Cannot write ${["result", ...path].join(".")}, which is ${misfitText(given, expected)}, to ${field}: expected ${typeText(expected)}`;
    return [{ place: at, detail }];
  });
}

/** The result of a flow is its final state; a field that nothing need have filled is there where it is asked for. */
function wholeState(child: Fields, expected: FieldType): FieldType {
  const isAsked = (name: string): boolean => expected.kind === "object" && expected.fields.has(name);
  return objectOf(
    [...child].filter(([name, field]) => field.isRequired || field.default !== undefined || isAsked(name)),
  );
}

function objectOf(fields: readonly (readonly [name: string, field: Field])[]): FieldType {
  const parts = fields.map(([name, { type, isNullable }]) => [name, isNullable ? ANY_TYPE : type] as const);
  return { kind: "object", fields: new Map(parts) };
}
