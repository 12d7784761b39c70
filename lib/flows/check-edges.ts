import { messageOf } from "../errors.ts";
import { checkWays } from "./check-ways.ts";
import { compileCondition, isDefault } from "./condition.ts";
import { type FlowFault, type Place, show } from "./fault.ts";
import { type FieldType, mayFit, typeText } from "./field-type.ts";
import type { Fields } from "./fields.ts";
import type { EdgeForm, LoopForm, ParallelForm } from "./flow-config.ts";
import { type Arc, arcsOf } from "./graph.ts";
import { suggest } from "./suggest.ts";

/** What the edges need to know of a node. */
export interface EdgeNode {
  readonly id: string;
  /** The fields that it writes, with the types of what it writes as far as they are known. */
  readonly writes: readonly string[];
}

/**
 * The faults of the ways through a flow.
 *
 * @param edges those of the right form, by their place in the list
 * @param isWhole false where some edges or nodes could not be read, so that what seems missing may be there
 */
export function checkEdges(
  edges: ReadonlyMap<number, EdgeForm>,
  nodes: readonly EdgeNode[],
  fields: Fields,
  isWhole: boolean,
): FlowFault[] {
  const arcs = [...edges].flatMap(([index, edge]) =>
    arcsOf([edge]).map((arc) => ({ ...arc, place: ["edges", index, ...arc.place.slice(2)] })),
  );
  const names = checkNames(edges, arcs, nodes);
  return [
    ...names,
    ...checkSeconds(edges),
    ...[...edges].flatMap(([index, edge]) => checkEdge(edge, ["edges", index], nodes, fields)),
    ...checkTargets(edges, arcs),
    ...(isWhole && names.length === 0 && [...edges.values()].every(hasOneWay) ? checkWays(arcs, nodes) : []),
  ];
}

function checkNames(
  edges: ReadonlyMap<number, EdgeForm>,
  arcs: readonly Arc[],
  nodes: readonly EdgeNode[],
): FlowFault[] {
  const known = new Set(nodes.map(({ id }) => id));
  const faults: FlowFault[] = [];
  for (const [index, { from }] of edges) {
    if (known.has(from) || from === "START") continue;
    const way = from === "END" ? "nothing comes after END" : suggest(from, ["START", ...known]);
    faults.push({
      place: ["edges", index, "from"],
      detail: `Cannot follow the edge from ${show(from)}: ${way}`,
    });
  }
  for (const { to, from, place, isBack } of arcs) {
    if (known.has(to) || to === "END" || (isBack && to === from)) continue;
    const way = to === "START" ? "nothing comes before START" : suggest(to, [...known, "END"]);
    faults.push({ place, detail: `Cannot follow the edge to ${show(to)}: ${way}` });
  }
  return faults;
}

function checkSeconds(edges: ReadonlyMap<number, EdgeForm>): FlowFault[] {
  const first = new Set<string>();
  return [...edges].flatMap(([index, { from }]) => {
    if (!first.has(from)) {
      first.add(from);
      return [];
    }
    const detail = `Cannot follow a second edge from ${show(from)}: write to: [a, b] to run nodes at the same time, or routes to choose one`;
    return [{ place: ["edges", index, "from"], detail }];
  });
}

const WAYS = ["to", "routes", "loop", "parallel"] as const;

function waysOf(edge: EdgeForm): readonly string[] {
  return WAYS.filter((way) => edge[way] !== undefined);
}

function hasOneWay(edge: EdgeForm): boolean {
  return waysOf(edge).length === 1;
}

function checkEdge(edge: EdgeForm, place: Place, nodes: readonly EdgeNode[], fields: Fields): FlowFault[] {
  const ways = waysOf(edge);
  if (!hasOneWay(edge)) {
    const what = ways.length === 0 ? "that leads nowhere" : `by ${ways.join(" and ")}`;
    return [{ place, detail: `Cannot follow an edge ${what}: give one of ${WAYS.join(", ")}` }];
  }
  const { to, routes, loop, parallel } = edge;
  return [
    ...(typeof to === "object" ? checkFork(to, place) : []),
    ...(routes === undefined ? [] : checkRoutes(routes, [...place, "routes"], fields)),
    ...(loop === undefined ? [] : checkLoop(edge.from, loop, [...place, "loop"], fields)),
    ...(parallel === undefined ? [] : checkParallel(parallel, [...place, "parallel"], nodes, fields)),
  ];
}

function checkFork(to: readonly string[], place: Place): FlowFault[] {
  return to.flatMap((id, index) => {
    const at = [...place, "to", index];
    if (id === "END" && to.length > 1)
      return [
        { place: at, detail: "Cannot fork to END: leave it out, each branch leads there by its own edges" },
      ];
    if (to.indexOf(id) === index) return [];
    return [{ place: at, detail: `Cannot fork to ${show(id)} twice: name each node once` }];
  });
}

function checkRoutes(routes: NonNullable<EdgeForm["routes"]>, place: Place, fields: Fields): FlowFault[] {
  const faults: FlowFault[] = [];
  const defaults = routes.flatMap(({ condition }, index) => (isDefault(condition.logic) ? [index] : []));
  if (defaults.length === 0) {
    const detail = "Cannot route without a default: add { condition: { logic: default }, to: ... }";
    faults.push({ place, detail });
  }
  for (const index of defaults.slice(1)) {
    faults.push({ place: [...place, index], detail: "Cannot route by two defaults: leave one out" });
  }
  for (const [index, { condition }] of routes.entries()) {
    if (isDefault(condition.logic)) continue;
    try {
      compileCondition(condition.logic, fields);
    } catch (error) {
      const detail = `Cannot use ${show(condition.logic)} as a condition: ${messageOf(error)}`;
      faults.push({ place: [...place, index, "condition", "logic"], detail });
    }
  }
  return faults;
}

function checkLoop(from: string, loop: LoopForm, place: Place, fields: Fields): FlowFault[] {
  const { condition_field: name } = loop;
  const faults = checkField(
    name,
    "bool",
    [...place, "condition_field"],
    fields,
    ({ kind }) => kind === "bool",
  );
  if (from === "START")
    faults.push({ place, detail: "Cannot loop from START: loop from the node that is to run again" });
  return faults;
}

function checkParallel(
  parallel: ParallelForm,
  place: Place,
  nodes: readonly EdgeNode[],
  fields: Fields,
): FlowFault[] {
  const { items_field, target_node, collect_field } = parallel;
  const isList = ({ kind }: FieldType): boolean => kind === "list" || kind === "any";
  const faults = [
    ...checkField(items_field, "list", [...place, "items_field"], fields, isList),
    ...checkField(collect_field, "list", [...place, "collect_field"], fields, isList),
  ];
  if (items_field === collect_field) {
    const detail = `Cannot collect in ${show(items_field)}, whose items are gone through: name another field`;
    faults.push({ place: [...place, "collect_field"], detail });
  }
  if (target_node === "END")
    faults.push({ place: [...place, "target_node"], detail: "Cannot run END for each item: name a node" });
  const node = nodes.find(({ id }) => id === target_node);
  if (node === undefined || faults.length > 0) return faults;
  if (node.writes.length === 0) {
    const detail = `Cannot collect from node ${show(target_node)}: it writes no field; give it outputs`;
    return [{ place: [...place, "target_node"], detail }];
  }
  const [only = "", ...more] = node.writes;
  const collected = fields.get(collect_field)?.type;
  if (collected?.kind !== "list") return [];
  // One field is collected as it is, several as an object of them.
  const item: FieldType | undefined =
    more.length === 0 ? fields.get(only)?.type : { kind: "dict", key: "str", value: { kind: "any" } };
  if (item === undefined || mayFit(item, collected.item)) return [];
  const detail = `Cannot collect ${node.writes.join(" and ")} of node ${show(target_node)} in ${collect_field}: expected list[${typeText(item)}], and it is ${typeText(collected)}`;
  return [{ place: [...place, "collect_field"], detail }];
}

function checkField(
  name: string,
  expected: string,
  place: Place,
  fields: Fields,
  fits: (type: FieldType) => boolean,
): FlowFault[] {
  const field = fields.get(name);
  if (field === undefined) {
    const way = suggest(name, fields.keys());
    return [{ place, detail: `Cannot use ${show(name)}: state.fields has no such field; ${way}` }];
  }
  if (fits(field.type) || field.type.kind === "any") return [];
  return [
    { place, detail: `Cannot use ${show(name)}: expected a ${expected}, and it is ${typeText(field.type)}` },
  ];
}

/** The target of a parallel edge runs by that edge alone, and once for each item. */
function checkTargets(edges: ReadonlyMap<number, EdgeForm>, arcs: readonly Arc[]): FlowFault[] {
  const targets = new Set([...edges.values()].flatMap(({ parallel }) => parallel?.target_node ?? []));
  const faults: FlowFault[] = [];
  const reached = new Set<string>();
  for (const { to, place } of arcs) {
    if (!targets.has(to)) continue;
    if (place.includes("parallel") && !reached.has(to)) {
      reached.add(to);
      continue;
    }
    const detail = `Cannot lead to ${show(to)} by another edge: it runs for each item of a parallel edge`;
    faults.push({ place, detail });
  }
  return faults;
}
