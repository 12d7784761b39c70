import { FIELD_NAME_HINT, isFieldName } from "./check-fields.ts";
import { findTemplateFaults, type Names, typeOfTemplate, typeOfValue } from "./check-templates.ts";
import { type FlowFault, isRecord, type Place, show } from "./fault.ts";
import { ANY_TYPE, type FieldType } from "./field-type.ts";
import type { Fields } from "./fields.ts";
import type { EdgeForm } from "./flow-config.ts";
import { KINDS } from "./kinds.ts";
import type { NodeCheck, NodeForm } from "./node-kind.ts";
import { checkOutputs } from "./outputs.ts";

const NODE_ID = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;

/** What a node's edge gives to its templates, whatever its inputs. */
export function edgeLocals(item: FieldType | null): Map<string, FieldType> {
  const locals = new Map<string, FieldType>([["idempotency_key", { kind: "str" }]]);
  return item === null ? locals : locals.set("item", item).set("index", { kind: "int" });
}

/** The types of the items that parallel edges go through, by the id of their target. */
export function itemTypes(edges: Iterable<EdgeForm>, fields: Fields): ReadonlyMap<string, FieldType> {
  const types = new Map<string, FieldType>();
  for (const { parallel } of edges) {
    if (parallel === undefined) continue;
    const type = fields.get(parallel.items_field)?.type;
    types.set(parallel.target_node, type?.kind === "list" ? type.item : ANY_TYPE);
  }
  return types;
}

/** What the rest of the flow has for a node. */
export interface NodeSurroundings {
  readonly fields: Fields;
  readonly env: ReadonlySet<string>;
  /** The type of the items where it runs for each item of a parallel edge, null elsewhere. */
  readonly item: FieldType | null;
  /** True where something of it was told of already that its kind may be in. */
  readonly mayLackKind: boolean;
}

/** The faults of one node whose form holds. */
export function checkNode(
  value: unknown,
  place: Place,
  { fields, env, item, mayLackKind }: NodeSurroundings,
): FlowFault[] {
  const node = value as NodeForm;
  const kinds = [...KINDS].filter(([key]) => node[key] !== undefined);
  const kindNames = kinds.map(([key]) => key);
  const faults: FlowFault[] = [];
  if (kinds.length === 0 && !mayLackKind) {
    const detail = `Cannot tell the kind of node ${show(node.id)}: give one of ${[...KINDS.keys()].join(", ")}`;
    faults.push({ place, detail });
  } else if (kinds.length > 1) {
    const detail = `Cannot use ${kindNames.join(" and ")} in node ${show(node.id)}: a node has one kind; make it ${kinds.length} nodes`;
    faults.push({ place: [...place, kindNames[1] ?? ""], detail });
  }
  const locals = edgeLocals(item);
  const names: Names = { fields, env, locals, mayReadEnv: false };
  for (const [input, given] of Object.entries(node.inputs ?? {})) {
    const at = [...place, "inputs", input];
    if (!isFieldName(input) || locals.has(input)) {
      faults.push({
        place: at,
        detail: `Cannot name an input ${show(input)}: ${FIELD_NAME_HINT}, and not ${[...locals.keys()].join(", ")}`,
      });
    }
    faults.push(...findTemplateFaults(given, at, names));
  }
  const inputs = Object.entries(node.inputs ?? {}).map(([input, given]) => {
    return [input, typeOfValue(given, names)] as const;
  });
  const all: Names = { ...names, locals: new Map([...locals, ...inputs]) };
  const check: NodeCheck = {
    fields,
    fault: (at, detail) => faults.push({ place: [...place, ...at], detail }),
    templates(given, at, { mayReadEnv } = { mayReadEnv: false }) {
      const found = findTemplateFaults(given, [...place, ...at], { ...all, mayReadEnv });
      faults.push(...found);
      return found.length === 0;
    },
    typeOf: (text) => typeOfTemplate(text, all),
  };
  for (const [key, kind] of kinds) kind.check(node[key], node, check);
  const [name] = kindNames;
  if (name === undefined || kinds.length > 1) return faults;
  return [...faults, ...optionFaults(node, name, place), ...outputFaults(node, name, fields, place)];
}

/** The id of a node of any form, or null for one that has none. */
export function idOf(node: unknown): string | null {
  return isRecord(node) && typeof node.id === "string" ? node.id : null;
}

/** True for what a node, and so its step, may be called. */
export function isNodeId(id: string): boolean {
  return NODE_ID.test(id) && id !== "START" && id !== "END";
}

function optionFaults(node: NodeForm, name: string, place: Place): FlowFault[] {
  return [...KINDS].flatMap(([kind, { options }]) => {
    const others = Object.keys(options).filter(
      (option) => node[option] !== undefined && KINDS.get(name)?.options[option] === undefined,
    );
    return others.map((option) => ({
      place: [...place, option],
      detail: `Cannot use ${option} in ${name} node ${show(node.id)}: it belongs to ${kind} nodes`,
    }));
  });
}

function outputFaults(node: NodeForm, name: string, fields: Fields, place: Place): FlowFault[] {
  const parts = KINDS.get(name)?.partsOf(node);
  if (node.outputs === undefined || parts === undefined) return [];
  if (parts !== null) return checkOutputs(node, parts, fields, place);
  const detail = `Cannot use outputs in ${name} node ${show(node.id)}: ${name} names the fields that it writes`;
  return [{ place: [...place, "outputs"], detail }];
}
