import { type FlowFault, show } from "./fault.ts";
import { type Arc, Graph, loopedNodes } from "./graph.ts";

/**
 * The faults of the ways through a flow as a whole: no start, cycles, nodes that nothing leads to or from, loops that are
 * left in their midst.
 *
 * @param arcs of edges that lead to nodes that there are
 */
export function checkWays(arcs: readonly Arc[], nodes: readonly { readonly id: string }[]): FlowFault[] {
  if (!arcs.some(({ from }) => from === "START")) {
    return [{ place: ["edges"], detail: "Cannot start the flow: no edge goes from START; add one" }];
  }
  const graph = new Graph(arcs);
  const circle = graph.findCircle();
  const faults: FlowFault[] = checkExits(arcs, graph);
  if (faults.length > 0) return faults;
  if (circle !== null) {
    const [first = ""] = circle;
    const index = nodes.findIndex(({ id }) => id === first);
    const detail = `Cannot run the cycle ${circle.join(" -> ")}: go back by a loop, { from: ${circle.at(-2)}, loop: { to: ${first}, condition_field: ..., exit_to: ... } }`;
    faults.push({ place: index < 0 ? ["edges"] : ["nodes", index], detail });
  }
  for (const { from, to, place, isBack } of arcs) {
    if (!isBack || from === to || graph.leads(to, from)) continue;
    faults.push({ place, detail: `Cannot loop back to ${show(to)}: no edges lead from it to ${show(from)}` });
  }
  faults.push(...checkLoopExits(arcs, graph));
  const reached = graph.reachedFrom("START");
  const left = new Set(arcs.map(({ from }) => from));
  for (const [index, { id }] of nodes.entries()) {
    const place = ["nodes", index];
    if (!reached.has(id)) {
      if (!circle?.includes(id)) {
        faults.push({ place, detail: `Cannot reach node ${show(id)}: no edges lead from START to it` });
      }
    } else if (!left.has(id)) {
      const detail = `Cannot leave node ${show(id)}: no edge goes from it; add { from: ${id}, to: END }`;
      faults.push({ place, detail });
    }
  }
  return faults;
}

/** A loop's exit that lies in the loop would be one more way back. */
function checkExits(arcs: readonly Arc[], graph: Graph): FlowFault[] {
  return arcs.flatMap(({ from, to, place }) => {
    if (place.at(-1) !== "exit_to" || !(to === from || graph.leads(to, from))) return [];
    const back = arcs.find((arc) => arc.isBack && arc.from === from);
    if (back === undefined || !(to === back.to || graph.leads(back.to, to))) return [];
    const detail = `Cannot leave the loop of ${show(from)} to ${show(to)}, which is in it: let exit_to name what comes after the loop, or END`;
    return [{ place, detail }];
  });
}

/**
 * A loop that forks is left by its exit alone: a branch that left it by another way would still run while the loop goes
 * round, beside nodes that it seems to come after.
 */
function checkLoopExits(arcs: readonly Arc[], graph: Graph): FlowFault[] {
  const leaving = new Map<string, number>();
  for (const { from, place } of arcs) {
    if (place[2] === "to" && place.length === 4) leaving.set(from, (leaving.get(from) ?? 0) + 1);
  }
  return arcs.flatMap((back) => {
    if (!back.isBack) return [];
    const body = loopedNodes([back], graph);
    if (![...body].some((id) => (leaving.get(id) ?? 0) > 1)) return [];
    const ways = arcs.filter(({ from, to, isBack }) => body.has(from) && !body.has(to) && !isBack);
    return ways
      .filter(({ from }) => from !== back.from)
      .map(({ to, place }) => ({
        place,
        detail: `Cannot leave the loop of ${show(back.from)} to ${show(to)}: it forks, so that it is left by its exit_to alone; let the branch lead back to ${show(back.from)}`,
      }));
  });
}
