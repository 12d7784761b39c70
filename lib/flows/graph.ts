import type { Place } from "./fault.ts";
import type { EdgeForm } from "./flow-config.ts";

/** Where an edge may lead. */
export interface Arc {
  readonly from: string;
  readonly to: string;
  /** Of the target in the file. */
  readonly place: Place;
  /** True for a loop's way back. */
  readonly isBack: boolean;
}

/** All that the edges of a flow may lead to. */
export function arcsOf(edges: readonly EdgeForm[]): Arc[] {
  return edges.flatMap(({ from, to, routes = [], loop, parallel }, index) => {
    const place = ["edges", index];
    const arc = (target: string, ...way: Place): Arc => ({
      from,
      to: target,
      place: [...place, ...way],
      isBack: false,
    });
    return [
      ...(typeof to === "string" ? [arc(to, "to")] : (to ?? []).map((id, at) => arc(id, "to", at))),
      ...routes.map((route, at) => arc(route.to, "routes", at, "to")),
      ...(loop === undefined
        ? []
        : [{ ...arc(loop.to ?? from, "loop", "to"), isBack: true }, arc(loop.exit_to, "loop", "exit_to")]),
      ...(parallel === undefined ? [] : [arc(parallel.target_node, "parallel", "target_node")]),
    ];
  });
}

/** What leads to what, but for the ways back of loops. */
export class Graph {
  readonly #next = new Map<string, string[]>();
  readonly #reached = new Map<string, ReadonlySet<string>>();

  constructor(arcs: readonly Arc[]) {
    for (const { from, to, isBack } of arcs) {
      if (isBack) continue;
      const targets = this.#next.get(from);
      if (targets === undefined) this.#next.set(from, [to]);
      else targets.push(to);
    }
  }

  /** True where a way leads from the one to the other; not from a node to itself, unless it stands in a circle. */
  leads(from: string, to: string): boolean {
    return this.reachedFrom(from).has(to);
  }

  /** All that a way leads to from a node, found once. */
  reachedFrom(from: string): ReadonlySet<string> {
    const known = this.#reached.get(from);
    if (known !== undefined) return known;
    const reached = new Set(this.#next.get(from));
    // A Set hands on what is added while it is walked.
    for (const id of reached) for (const to of this.#next.get(id) ?? []) reached.add(to);
    this.#reached.set(from, reached);
    return reached;
  }

  /** The ids of one circle, the first again at the end, or null. */
  findCircle(): string[] | null {
    const waits = new Map<string, number>();
    for (const to of [...this.#next.values()].flat()) waits.set(to, (waits.get(to) ?? 0) + 1);
    // Kahn's order: a node is done once all that lead to it are; the nodes of a circle wait for each other for ever.
    const done = new Set([...this.#next.keys()].filter((id) => !waits.has(id)));
    for (const id of done) {
      for (const to of this.#next.get(id) ?? []) {
        const left = (waits.get(to) ?? 0) - 1;
        waits.set(to, left);
        if (left === 0) done.add(to);
      }
    }
    const before = new Map<string, string>();
    for (const [from, targets] of this.#next) {
      if (!done.has(from)) for (const to of targets) before.set(to, from);
    }
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
}

/** The nodes that stand in a loop, so that they may run more than once. */
export function loopedNodes(arcs: readonly Arc[], graph: Graph): Set<string> {
  const looped = new Set<string>();
  for (const { from, to, isBack } of arcs) {
    if (!isBack) continue;
    looped.add(from).add(to);
    for (const id of graph.reachedFrom(to)) if (graph.leads(id, from)) looped.add(id);
  }
  return looped;
}
