import { lookupsIn } from "./check-templates.ts";
import { fieldsRead, isDefault } from "./condition.ts";
import { type FlowFault, isRecord, show } from "./fault.ts";
import type { Fields } from "./fields.ts";
import type { EdgeForm } from "./flow-config.ts";
import { arcsOf, Graph } from "./graph.ts";

/** Two hundred nodes that all write one field make 20,000 pairs; the first hundred say what is wrong. */
const FAULTS_MAX = 100;

/** What a node writes and reads of the state. */
interface Use {
  readonly id: string;
  readonly index: number;
  readonly writes: ReadonlySet<string>;
  readonly reads: ReadonlySet<string>;
}

/**
 * Fields that one node writes while another writes or reads them: which comes first would decide, and after a crash
 * another one may. A flow without them gives the same state in every attempt.
 *
 * @param edges of a flow whose ways have no faults
 * @param nodes as the file has them, with the fields that each writes
 */
export function checkRaces(
  edges: readonly EdgeForm[],
  nodes: readonly { readonly id: string; readonly form: unknown; readonly writes: readonly string[] }[],
  fields: Fields,
): FlowFault[] {
  const forks = edges.flatMap(({ to }) => (typeof to === "object" && to.length > 1 ? [to] : []));
  if (forks.length === 0) return [];
  const graph = new Graph(arcsOf(edges));
  const branches = forks.map((fork) => branchesOf(fork, graph));
  const uses = nodes.map((node, index) => useOf(node, index, edges, fields));
  const faults: FlowFault[] = [];
  const told = new Set<string>();
  for (const [at, one] of uses.entries()) {
    if (faults.length >= FAULTS_MAX) break;
    for (const other of uses.slice(at + 1)) {
      if (graph.leads(one.id, other.id) || graph.leads(other.id, one.id)) continue;
      if (!branches.some((branch) => areApart(branch.get(one.id), branch.get(other.id)))) continue;
      if (faults.length >= FAULTS_MAX) break;
      for (const fault of racesBetween(one, other)) {
        if (!told.has(fault.detail)) faults.push(fault);
        told.add(fault.detail);
      }
    }
  }
  return faults;
}

/** By node, the branches of a fork that lead to it. */
function branchesOf(fork: readonly string[], graph: Graph): ReadonlyMap<string, readonly number[]> {
  const branches = new Map<string, number[]>();
  for (const [branch, first] of fork.entries()) {
    for (const id of [first, ...graph.reachedFrom(first)]) {
      const before = branches.get(id);
      if (before === undefined) branches.set(id, [branch]);
      else before.push(branch);
    }
  }
  return branches;
}

/** True where the one is in a branch and the other in another. */
function areApart(one: readonly number[] = [], other: readonly number[] = []): boolean {
  return one.some((branch) => other.some((second) => second !== branch));
}

function useOf(
  { id, form, writes }: { id: string; form: unknown; writes: readonly string[] },
  index: number,
  edges: readonly EdgeForm[],
  fields: Fields,
): Use {
  const { inputs = {}, ...rest } = isRecord(form) ? form : {};
  const locals = new Set(isRecord(inputs) ? Object.keys(inputs) : []);
  const reads = new Set<string>();
  // The inputs themselves are filled without the names that they make.
  for (const { root, path } of lookupsIn(inputs)) if (root !== "env") reads.add(path[0]);
  for (const { root, path } of lookupsIn(rest)) {
    if (root === "state" || (root === "name" && !locals.has(path[0]))) reads.add(path[0]);
  }
  const target = edges.find(({ parallel }) => parallel?.target_node === id)?.parallel;
  if (target !== undefined) reads.add(target.items_field);
  // The edge from a node is decided when the node has ended, while others still run.
  const leaving = edges.find(({ from }) => from === id);
  for (const { condition } of leaving?.routes ?? []) {
    if (isDefault(condition.logic)) continue;
    for (const name of fieldsRead(condition.logic, fields)) reads.add(name);
  }
  if (leaving?.loop !== undefined) reads.add(leaving.loop.condition_field);
  return { id, index, reads, writes: new Set(target === undefined ? writes : [target.collect_field]) };
}

function racesBetween(one: Use, other: Use): FlowFault[] {
  const faults: FlowFault[] = [];
  const way =
    "they run at the same time, so that either may come first; run one after the other, or use two fields";
  const place = ["nodes", other.index];
  for (const name of one.writes) {
    if (other.writes.has(name)) {
      const detail = `Cannot write ${show(name)} in nodes ${show(one.id)} and ${show(other.id)}: ${way}`;
      faults.push({ place, detail });
    } else if (other.reads.has(name)) {
      faults.push({
        place,
        detail: `Cannot read ${show(name)} in node ${show(other.id)} while ${show(one.id)} writes it: ${way}`,
      });
    }
  }
  for (const name of other.writes) {
    if (one.writes.has(name) || !one.reads.has(name)) continue;
    const detail = `Cannot read ${show(name)} in node ${show(one.id)} while ${show(other.id)} writes it: ${way}`;
    faults.push({ place: ["nodes", one.index], detail });
  }
  return faults;
}
