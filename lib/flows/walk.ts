import { hooksOf } from "../step-hooks.ts";
import type { RunContext } from "../workflow.ts";
import { FatalError } from "../workflow-errors.ts";
import type { State } from "./fields.ts";
import { takeOutputs } from "./outputs.ts";
import type { Flow, Items, Locals, ReadyEdge, ReadyNode } from "./ready-flow.ts";
import { UnfilledError } from "./unfilled-error.ts";
import { ownFields, remembered } from "./written-fields.ts";

/** Loops within loops multiply; a run with more steps than this is no workflow any more, and its record cannot be shown. */
export const NODE_RUNS_MAX = 10_000;

/** What all nodes of a run write together, in characters of JSON: every attempt holds it in memory. */
export const RESULTS_MAX = 67_108_864;

/**
 * Runs a flow: each node as the step of its id, so that a finished one is not run again after a crash.
 *
 * @param context its input is the first state
 * @returns the final state
 */
export async function walkFlow(flow: Flow, context: RunContext<unknown>): Promise<State> {
  return await new Walk(flow, context).run();
}

/**
 * One way through a flow. What it does follows from the state and the remembered steps alone, never from time, so that
 * every attempt takes the same way.
 */
class Walk {
  readonly #flow: Flow;
  readonly #context: RunContext<unknown>;
  #state: State;
  /** Nodes that an edge has led to, until all that may still lead there have ended. */
  readonly #waiting = new Set<string>();
  readonly #running = new Map<string, Promise<void>>();
  readonly #runs = new Map<string, number>();
  readonly #rounds = new Map<string, number>();
  #runsLeft = NODE_RUNS_MAX;
  #resultsLeft = RESULTS_MAX;

  constructor(flow: Flow, context: RunContext<unknown>) {
    this.#flow = flow;
    this.#context = context;
    this.#state = context.input as State;
  }

  async run(): Promise<State> {
    this.#follow("START");
    while (this.#waiting.size > 0 || this.#running.size > 0) {
      for (const id of [...this.#waiting]) if (this.#isReady(id)) this.#start(id);
      await Promise.race(this.#running.values()).catch((error: unknown) => this.#fail(error));
    }
    return this.#state;
  }

  /** The first failure ends the attempt. What has begun beside it is ended first, and remembered; nothing begins. */
  async #fail(error: unknown): Promise<never> {
    throw await hooksOf(this.#context.step).fail(error);
  }

  /** True where nothing that waits or runs leads here any more: a join waits for all of its branches. */
  #isReady(id: string): boolean {
    if (this.#running.has(id)) return false;
    const leadsHere = (other: string): boolean => other !== id && this.#flow.graph.leads(other, id);
    return ![...this.#waiting, ...this.#running.keys()].some(leadsHere);
  }

  #start(id: string): void {
    this.#waiting.delete(id);
    const node = this.#flow.nodes.get(id);
    if (node === undefined) return;
    const done = node.items === null ? this.#runOnce(node) : this.#runItems(node, node.items);
    const settled = done.then((written) => {
      this.#state = { ...this.#state, ...written };
      this.#running.delete(id);
      this.#follow(id);
    });
    this.#running.set(id, settled);
  }

  #follow(from: string): void {
    const edge = this.#flow.edges.get(from);
    if (edge === undefined) return;
    for (const id of this.#targetsOf(edge, from)) if (id !== "END") this.#waiting.add(id);
  }

  #targetsOf(edge: ReadyEdge, from: string): readonly string[] {
    if (edge.kind === "to") return edge.to;
    if (edge.kind === "routes") {
      return [edge.routes.find(({ holds }) => holds(this.#state))?.to ?? edge.fallback];
    }
    const round = (this.#rounds.get(from) ?? 0) + 1;
    const isOver = this.#state[edge.until] === true || round >= edge.roundsMax;
    this.#rounds.set(from, isOver ? 0 : round);
    return [isOver ? edge.exitTo : edge.to];
  }

  #runOnce(node: ReadyNode): Promise<Record<string, unknown>> {
    return this.#step(node, node.isNumbered ? this.#nextName(node.id) : node.id, {});
  }

  /** Each item is a step of its own, so that after a crash only those that had not finished run again. */
  async #runItems(
    node: ReadyNode,
    { field, collectField, concurrencyMax }: Items,
  ): Promise<Record<string, unknown>> {
    const items = this.#state[field];
    if (!Array.isArray(items)) {
      throw new FatalError(
        `Cannot run node ${JSON.stringify(node.id)} for each item: nothing has filled ${field}`,
      );
    }
    // Before the first of them, for else they would all have been for nothing.
    if (items.length > this.#runsLeft) throw tooManyRuns();
    const names = items.map(() => this.#nextName(node.id));
    const collected: unknown[] = new Array(items.length);
    const left = items.entries();
    const worker = async (): Promise<void> => {
      for (const [index, item] of left) {
        const written = await this.#step(node, names[index] ?? "", { item, index });
        const [only, ...more] = Object.values(written);
        collected[index] = more.length === 0 ? only : written;
      }
    };
    await Promise.all(Array.from({ length: Math.min(concurrencyMax, items.length) }, worker));
    return ownFields(node.id, { [collectField]: collected }, this.#flow.fields);
  }

  #step(node: ReadyNode, name: string, fromEdge: Locals): Promise<Record<string, unknown>> {
    if (this.#runsLeft-- === 0) {
      return Promise.reject(tooManyRuns());
    }
    const state = this.#state;
    const context = this.#context;
    const { fields, env } = this.#flow;
    let isRemembered = true;
    const runNode = async (
      idempotencyKey: string,
      signal: () => AbortSignal,
    ): Promise<Record<string, unknown>> => {
      isRemembered = false;
      const own = { ...fromEdge, idempotency_key: idempotencyKey };
      const inputs = node.inputs({ locals: own, state, env: {} }) as Locals;
      const result = await node.run({
        values: { locals: { ...own, ...inputs }, state, env },
        stepName: name,
        idempotencyKey,
        get signal() {
          return signal();
        },
        run: context,
      });
      return node.outputs === null
        ? ownFields(node.id, result, fields)
        : takeOutputs(node.id, result, node.outputs, fields);
    };
    const runNamed: typeof runNode = (key, signal) =>
      runNode(key, signal).catch((error: unknown) => {
        throw error instanceof UnfilledError ? error.in(node.id) : error;
      });
    const ended: Promise<Record<string, unknown>> = node.isGroup
      ? hooksOf(context.step).group(name, (given) => runNamed(given.idempotencyKey, () => context.signal))
      : context.step(name, (given) => runNamed(given.idempotencyKey, () => given.signal));
    const taken = ended.then((written) => {
      const own = isRemembered ? remembered(node, written, fields) : written;
      this.#resultsLeft -= JSON.stringify(own).length;
      if (this.#resultsLeft < 0) {
        throw new FatalError(
          `Cannot keep more than ${RESULTS_MAX} characters of results in one run: write less in node ${JSON.stringify(node.id)}, or start more runs`,
        );
      }
      return own;
    });
    return taken.catch((error: unknown) => this.#fail(error));
  }

  #nextName(id: string): string {
    const run = (this.#runs.get(id) ?? 0) + 1;
    this.#runs.set(id, run);
    return `${id}#${run}`;
  }
}

function tooManyRuns(): FatalError {
  return new FatalError(
    `Cannot run more than ${NODE_RUNS_MAX} nodes in one run: make the loops shorter, or the lists`,
  );
}
