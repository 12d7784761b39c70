import { type FlowFault, inSentence, type Place, show } from "./fault.ts";
import { ANY_TYPE, mayFit, misfitText, typeText } from "./field-type.ts";
import { type Fields, fieldFaults } from "./fields.ts";
import type { NodeForm, Parts } from "./node-kind.ts";
import { suggest } from "./suggest.ts";
import { isListPlace, typeAt } from "./type-at.ts";

/** A field that a node writes, and the part of its result that the field takes. */
export interface Output {
  readonly field: string;
  readonly path: readonly string[];
}

/** The parts of a result that comes back as a whole, as a function's does: of what type is seen at run time. */
export const WHOLE: Parts = new Map([["result", ANY_TYPE]]);

/**
 * What a node's `outputs` say: a list of fields takes the parts of the same names, a mapping says which part each field
 * takes. Where the result is one part as a whole, as a function's is, a list takes parts of that.
 */
export function outputsOf({ outputs = [] }: NodeForm, parts: Parts): Output[] {
  if (!isList(outputs)) {
    return Object.entries(outputs).map(([field, path]) => ({ field, path: path.split(".") }));
  }
  // By identity: another kind's only part may be called result, too.
  const [whole = ""] = parts === WHOLE ? parts.keys() : [];
  return outputs.map((field) => ({ field, path: whole === "" ? [field] : [whole, field] }));
}

/** The faults of a node's `outputs`, beyond its form. */
export function checkOutputs(node: NodeForm, parts: Parts, fields: Fields, place: Place): FlowFault[] {
  return outputsOf(node, parts).flatMap(({ field, path }, index) => {
    const at = [...place, "outputs", isList(node.outputs) ? index : field];
    const declared = fields.get(field);
    if (declared === undefined) {
      const way = suggest(field, fields.keys());
      return [{ place: at, detail: `Cannot write ${show(field)}: state.fields has no such field; ${way}` }];
    }
    const [first = "", ...rest] = path;
    if (path.includes("")) {
      return [
        {
          place: at,
          detail: `Cannot take ${show(path.join("."))}: write such as ${[...parts.keys()][0]}.name`,
        },
      ];
    }
    const part = parts.get(first);
    const type =
      part === undefined ? `the node gives no such part; ${wayTo(path, parts)}` : typeAt(first, part, rest);
    if (typeof type === "string") {
      return [{ place: at, detail: `Cannot take ${show(path.join("."))} for ${field}: ${type}` }];
    }
    if (mayFit(type, declared.type)) return [];
    const detail = `Cannot write ${path.join(".")}, which is ${misfitText(type, declared.type)}, to ${field}: expected ${typeText(declared.type)}`;
    return [{ place: at, detail }];
  });
}

/**
 * What a node writes: the parts of its result, each checked against its field.
 *
 * @param result what the node gave
 * @throws {TypeError} a part that is not there or does not fit, with node, field, expected and actual type
 */
export function takeOutputs(
  nodeId: string,
  result: unknown,
  outputs: readonly Output[],
  fields: Fields,
): Record<string, unknown> {
  return Object.fromEntries(
    outputs.map(({ field, path }) => {
      const value = valueAt(result, path);
      if (value === undefined) {
        throw new TypeError(
          `Cannot write field ${show(field)} in node ${show(nodeId)}: its result has no ${show(path.join("."))}`,
        );
      }
      checkField(nodeId, field, value, fields);
      return [field, value];
    }),
  );
}

/** @throws {TypeError} a value that does not fit, with node, field, expected and actual type, never with the value */
export function checkField(nodeId: string, name: string, value: unknown, fields: Fields): void {
  const field = fields.get(name);
  const fault = field === undefined ? undefined : fieldFaults(field, value)[0];
  if (fault === undefined) return;
  throw new TypeError(
    `Cannot write field ${show(name + fault.pointer)} in node ${show(nodeId)}: ${inSentence(fault)}`,
  );
}

/** What to write instead of a path whose first key is none of the parts. */
function wayTo(path: readonly string[], parts: Parts): string {
  const [first = "", ...rest] = path;
  return parts === WHOLE && rest.length === 0 ? `write result.${first}` : suggest(first, parts.keys());
}

/** Only own properties: what a prototype has is no data. */
function valueAt(result: unknown, path: readonly string[]): unknown {
  let value = result;
  for (const key of path) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return undefined;
    if (Array.isArray(value) && !isListPlace(key)) return undefined;
    value = Reflect.get(value, key);
  }
  return value;
}

function isList(outputs: NodeForm["outputs"]): outputs is readonly string[] {
  return Array.isArray(outputs);
}
