import { type FlowFault, isRecord } from "./fault.ts";
import type { EdgeForm } from "./form.ts";
import { suggest } from "./suggest.ts";

/** An edge that can be read, with its place in the list. */
interface Edge extends EdgeForm {
  index: number;
}

/**
 * The ids of the nodes in the order in which they run.
 *
 * @param edges of a flow without faults: one way from START through every node to END
 */
export function nodeOrder(edges: readonly EdgeForm[]): string[] {
  const next = new Map(edges.map((edge) => [edge.from, edge.to]));
  const order: string[] = [];
  for (let id = next.get("START"); id !== undefined && id !== "END"; id = next.get(id)) order.push(id);
  return order;
}

/**
 * The faults of the way through a flow.
 *
 * @param edges the file's list, of any form
 * @param ids the ids of the nodes in the file's order, null for one that has none
 */
export function checkEdges(edges: unknown, ids: readonly (string | null)[]): FlowFault[] {
  if (!Array.isArray(edges)) return [];
  const readable = edges.flatMap((edge, index) => readEdge(edge, index));
  const names = checkNames(readable, ids);
  // What is unreachable shows only where every edge is understood.
  const isWhole = readable.length === edges.length && names.length === 0 && !ids.includes(null);
  return [...names, ...checkForks(readable), ...(isWhole ? checkWay(readable, ids) : [])];
}

function readEdge(edge: unknown, index: number): Edge[] {
  if (!isRecord(edge) || typeof edge.from !== "string" || typeof edge.to !== "string") return [];
  return [{ from: edge.from, to: edge.to, index }];
}

function checkNames(edges: readonly Edge[], ids: readonly (string | null)[]): FlowFault[] {
  const known = new Set(ids.filter((id) => id !== null));
  const faults: FlowFault[] = [];
  for (const { from, to, index } of edges) {
    if (!known.has(from) && from !== "START") {
      const way = from === "END" ? "nothing comes after END" : suggest(from, ["START", ...known]);
      faults.push({
        place: ["edges", index, "from"],
        detail: `Cannot follow the edge from ${JSON.stringify(from)}: ${way}`,
      });
    }
    if (!known.has(to) && to !== "END") {
      const way = to === "START" ? "nothing comes before START" : suggest(to, [...known, "END"]);
      faults.push({
        place: ["edges", index, "to"],
        detail: `Cannot follow the edge to ${JSON.stringify(to)}: ${way}`,
      });
    }
  }
  return faults;
}

function checkForks(edges: readonly Edge[]): FlowFault[] {
  return (["from", "to"] as const).flatMap((end) => {
    const first = new Set<string>();
    return edges.flatMap((edge) => {
      if (!first.has(edge[end])) {
        first.add(edge[end]);
        return [];
      }
      const detail = `Cannot follow a second edge ${end} ${JSON.stringify(edge[end])}: this version runs nodes one after another`;
      return [{ place: ["edges", edge.index, end], detail }];
    });
  });
}

function checkWay(edges: readonly Edge[], ids: readonly (string | null)[]): FlowFault[] {
  if (!edges.some((edge) => edge.from === "START")) {
    return [{ place: ["edges"], detail: "Cannot start the flow: no edge goes from START; add one" }];
  }
  const next = targetsOf(edges);
  const reached = reachedFrom(["START"], next);
  const cycle = findCycle(edges, next);
  const faults: FlowFault[] = [];
  if (cycle !== null) {
    const detail = `Cannot run the cycle ${cycle.join(" -> ")}: this version goes through each node once`;
    faults.push({ place: ["nodes", ids.indexOf(cycle[0] ?? null)], detail });
  }
  for (const [index, id] of ids.entries()) {
    if (id === null) continue;
    const name = JSON.stringify(id);
    if (!reached.has(id)) {
      if (cycle?.includes(id)) continue;
      faults.push({
        place: ["nodes", index],
        detail: `Cannot reach node ${name}: no edges lead from START to it`,
      });
    } else if (!next.has(id)) {
      const detail = `Cannot leave node ${name}: no edge goes from it; add { from: ${id}, to: END }`;
      faults.push({ place: ["nodes", index], detail });
    }
  }
  return faults;
}

/** Where the edges from each node lead. */
function targetsOf(edges: readonly Edge[]): ReadonlyMap<string, readonly string[]> {
  const targets = new Map<string, string[]>();
  for (const { from, to } of edges) {
    const list = targets.get(from);
    if (list === undefined) targets.set(from, [to]);
    else list.push(to);
  }
  return targets;
}

function reachedFrom(starts: readonly string[], next: ReadonlyMap<string, readonly string[]>): Set<string> {
  const reached = new Set(starts);
  // A Set hands on what is added while it is walked.
  for (const id of reached) for (const to of next.get(id) ?? []) reached.add(to);
  return reached;
}

/** The ids of one cycle, the first again at the end, or null. */
function findCycle(edges: readonly Edge[], next: ReadonlyMap<string, readonly string[]>): string[] | null {
  const waits = new Map<string, number>();
  for (const { to } of edges) waits.set(to, (waits.get(to) ?? 0) + 1);
  // Kahn's order: a node is done once all that lead to it are; the nodes of a cycle wait for each other for ever.
  const done = new Set([...next.keys()].filter((id) => !waits.has(id)));
  for (const id of done) {
    for (const to of next.get(id) ?? []) {
      const left = (waits.get(to) ?? 0) - 1;
      waits.set(to, left);
      if (left === 0) done.add(to);
    }
  }
  const before = new Map(edges.filter((edge) => !done.has(edge.from)).map((edge) => [edge.to, edge.from]));
  const way = new Set<string>();
  let id = [...before.values()][0];
  while (id !== undefined && !way.has(id)) {
    way.add(id);
    id = before.get(id);
  }
  if (id === undefined) return null;
  const ids = [...way];
  return [id, ...ids.slice(ids.indexOf(id)).reverse()];
}
