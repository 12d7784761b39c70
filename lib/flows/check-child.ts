import { typeOfTemplate } from "./check-templates.ts";
import { valueFaults } from "./check-value.ts";
import { type FlowFault, inSentence, type Place, show } from "./fault.ts";
import { ANY_TYPE, FAULTS_MAX, type FieldType, mayFit, typeText } from "./field-type.ts";
import type { Fields } from "./fields.ts";
import type { NodeForm } from "./node-kind.ts";
import { outputsOf, WHOLE } from "./outputs.ts";
import { suggest } from "./suggest.ts";
import { typeAt } from "./type-at.ts";

/** They may hide fields of the same names. */
const EDGE_LOCALS: ReadonlyMap<string, FieldType> = new Map(
  ["item", "index", "idempotency_key"].map((name) => [name, ANY_TYPE]),
);

/**
 * The faults between a node and the flow that it runs: inputs that are missing, unknown or of another type, and outputs
 * that the final state does not have.
 *
 * @param node one without faults of its own
 * @param fields those of the flow that the node is in
 * @param child those of the flow that it runs
 */
export function checkChild(node: NodeForm, place: Place, fields: Fields, child: Fields): FlowFault[] {
  const { inputs = {} } = node;
  const name = show(node.workflow);
  const typeOf = (text: string): FieldType =>
    typeOfTemplate(text, { fields, locals: EDGE_LOCALS, env: new Set(), mayReadEnv: false });
  const faults: FlowFault[] = [];
  for (const [input, value] of Object.entries(inputs)) {
    const at = [...place, "inputs", input];
    const field = child.get(input);
    if (field === undefined) {
      const detail = `Cannot hand ${show(input)} to workflow ${name}: it has no such field; ${suggest(input, child.keys())}`;
      faults.push({ place: at, detail });
      continue;
    }
    if (value === null && field.isNullable) continue;
    for (const found of valueFaults(field.type, value, typeOf).slice(0, FAULTS_MAX)) {
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

/** The result of a flow is its final state. */
function outputFaults(node: NodeForm, place: Place, fields: Fields, child: Fields): FlowFault[] {
  const state: FieldType = {
    kind: "object",
    fields: new Map([...child].map(([key, { type }]) => [key, type])),
  };
  return outputsOf(node, WHOLE).flatMap(({ field, path: [, ...path] }, index) => {
    const at = [...place, "outputs", Array.isArray(node.outputs) ? index : field];
    const type = typeAt("result", state, path);
    if (typeof type === "string") {
      return [{ place: at, detail: `Cannot take ${show(path.join("."))} for ${field}: ${type}` }];
    }
    const expected = fields.get(field)?.type ?? ANY_TYPE;
    if (mayFit(type, expected)) return [];
    const detail = `Cannot write ${["result", ...path].join(".")}, which is ${typeText(type)}, to ${field}: expected ${typeText(expected)}`;
    return [{ place: at, detail }];
  });
}
