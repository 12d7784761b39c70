import { parseTriggers } from "../define-workflow.ts";
import { isReservedVariable, VARIABLE_NAME } from "../environment-names.ts";
import { messageOf } from "../errors.ts";
import { checkEdges } from "./check-edges.ts";
import { checkFields } from "./check-fields.ts";
import { checkForm } from "./check-form.ts";
import { checkNode, idOf, isNodeId, itemTypes } from "./check-nodes.ts";
import { checkRaces } from "./check-races.ts";
import { type FlowFault, isRecord, type Place, show } from "./fault.ts";
import { type FieldForm, parseFields } from "./fields.ts";
import type { EdgeForm } from "./flow-config.ts";
import { NODES_MAX } from "./form.ts";
import { writesOf } from "./writes.ts";

/**
 * Everything that is wrong with a flow, at once.
 *
 * @param config the file's content as JSON has it, of any form
 * @returns empty for a `FlowConfig` that can run, as far as the file tells
 */
export function checkFlow(config: unknown): FlowFault[] {
  const form = checkForm(config);
  // Without the values that are of no use, so that one slip does not hide what else is wrong beside it.
  const mended = form.length === 0 ? config : without(config, form);
  const left = form.length === 0 ? form : checkForm(mended);
  const [lacking, broken] = [placesAbove(form), placesAbove(left)];
  const holds = (...place: Place): boolean => !broken.has(JSON.stringify(place));
  const parts = isRecord(mended) ? mended : {};
  const forms = isRecord(parts.state) && isRecord(parts.state.fields) ? parts.state.fields : {};
  const fields = parseFields(onlyForms(forms));
  const nodes = listOf(parts.nodes);
  const edges = new Map(
    listOf(parts.edges).flatMap((edge, index) => (holds("edges", index) ? [[index, edge as EdgeForm]] : [])),
  );
  const env = listOf(parts.env).filter((name) => typeof name === "string");
  const items = itemTypes(edges.values(), fields);
  const found = [
    ...form,
    ...(holds("on") ? checkTriggers(listOf(parts.on)) : []),
    ...checkEnv(env),
    ...checkFields(forms),
    ...checkIds(nodes),
    ...nodes.flatMap((node, index) => {
      if (!holds("nodes", index)) return [];
      return checkNode(node, ["nodes", index], {
        fields,
        env: new Set(env),
        item: items.get(idOf(node) ?? "") ?? null,
        // An unknown or useless key may have been meant for the kind.
        mayLackKind: lacking.has(JSON.stringify(["nodes", index])),
      });
    }),
  ];
  const ids = nodes.map(idOf);
  const uses = nodes.flatMap((form) => {
    const id = idOf(form);
    return id === null ? [] : [{ id, form, writes: writesOf(form) }];
  });
  const isWhole =
    Array.isArray(parts.edges) && edges.size === parts.edges.length && holds("nodes") && !ids.includes(null);
  found.push(...checkEdges(edges, uses, fields, isWhole));
  return found.length > 0 ? found : checkRaces([...edges.values()], uses, fields);
}

/** The places of faults and of all that they stand in, as JSON. */
function placesAbove(faults: readonly FlowFault[]): ReadonlySet<string> {
  return new Set(
    faults.flatMap(({ place }) => place.map((_, depth) => JSON.stringify(place.slice(0, depth + 1)))),
  );
}

/** A copy without the keys of mappings that faults stand at. */
function without(config: unknown, faults: readonly FlowFault[]): unknown {
  const copy: unknown = structuredClone(config);
  for (const { place } of faults) {
    let parent: unknown = copy;
    for (const key of place.slice(0, -1)) {
      parent = typeof parent === "object" && parent !== null ? Reflect.get(parent, key) : null;
    }
    const key = place.at(-1);
    if (!isRecord(parent) || key === undefined) continue;
    // A list that is too long is a list all the same: without it, all that its items are named by would be told of, too.
    if (Array.isArray(parent[key]) && parent[key].length > NODES_MAX) continue;
    delete parent[key];
  }
  return copy;
}

function checkTriggers(on: readonly unknown[]): FlowFault[] {
  const each = on.flatMap((trigger, index) => {
    const { provider, ...others } = trigger as { readonly provider: unknown };
    const parts: [key: string, trigger: unknown][] = [
      ["provider", { provider }],
      ...Object.entries(others).map(([key, value]): [string, unknown] => [
        key,
        { provider: "any", [key]: value },
      ]),
    ];
    return parts.flatMap(([key, part]) =>
      triggerFaults([part]).map((detail) => ({
        place: ["on", index, key],
        detail: detail.replace("on[0]", `on[${index}]`),
      })),
    );
  });
  if (each.length > 0 || on.length === 0) return each;
  return triggerFaults(on).map((detail) => ({ place: ["on"], detail }));
}

function triggerFaults(on: readonly unknown[]): string[] {
  try {
    parseTriggers(on);
    return [];
  } catch (error) {
    return [messageOf(error)];
  }
}

function checkEnv(names: readonly string[]): FlowFault[] {
  return names.flatMap((name, index) => {
    const place = ["env", index];
    if (!VARIABLE_NAME.test(name)) {
      const detail = `Cannot use ${show(name)} as a variable: give a name such as API_TOKEN`;
      return [{ place, detail }];
    }
    if (!isReservedVariable(name)) return [];
    return [
      {
        place,
        detail: `Cannot use ${name} in a flow: it holds a secret of this server; take another variable`,
      },
    ];
  });
}

function checkIds(nodes: readonly unknown[]): FlowFault[] {
  const taken = new Set<string>();
  return nodes.flatMap((node, index) => {
    const id = idOf(node);
    if (id === null) return [];
    const place = ["nodes", index, "id"];
    if (taken.has(id))
      return [{ place, detail: `Cannot use id ${show(id)} twice: each node is a step of its own name` }];
    taken.add(id);
    if (isNodeId(id)) return [];
    const detail = `Cannot use ${show(id)} as id: give letters, digits, "_" and "-", at most 64, and not START or END`;
    return [{ place, detail }];
  });
}

/** Fields of another form are told of by the form; they take anything, so that each is told of once. */
function onlyForms(forms: Readonly<Record<string, unknown>>): Readonly<Record<string, FieldForm>> {
  const read = Object.entries(forms).map(([name, form]) => {
    const isForm = isRecord(form) && typeof form.type === "string";
    const hasParts = isForm && (form.schema === undefined || isRecord(form.schema));
    return [name, hasParts ? (form as unknown as FieldForm) : { type: "" }] as const;
  });
  return Object.fromEntries(read);
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
