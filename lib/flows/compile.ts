import { brandWorkflow, defineWorkflow, parseTriggers } from "../define-workflow.ts";
import { isReservedVariable, VARIABLE_NAME } from "../environment-names.ts";
import type { Fault } from "../errors.ts";
import type { EventOrigin } from "../event.ts";
import { compileEventExpression, type EventView } from "../event-filter.ts";
import { ExpressionFault } from "../expression-scope.ts";
import type { AnyWorkflow, Validation } from "../workflow.ts";
import { compileCondition, isDefault } from "./condition.ts";
import { type FlowFault, isRecord, type Place } from "./fault.ts";
import { type Fields, fillState, initialState, parseFields, type State } from "./fields.ts";
import type { EdgeForm, FlowConfig } from "./flow-config.ts";
import { CONCURRENCY_DEFAULT, ITERATIONS_DEFAULT } from "./form.ts";
import { arcsOf, Graph, loopedNodes } from "./graph.ts";
import { KINDS } from "./kinds.ts";
import type { FlowHost, NodeForm, NodeKind, RunNode } from "./node-kind.ts";
import { outputsOf } from "./outputs.ts";
import type { Flow, Items, ReadyEdge, ReadyNode } from "./ready-flow.ts";
import { compileTemplates } from "./template.ts";
import { walkFlow } from "./walk.ts";
import { writesOf } from "./writes.ts";

/**
 * Makes a flow that was checked ready to run: modules are imported, keys and variables looked for.
 *
 * @param faults those that only the host can tell, such as a missing key, are added; the flow is of no use then
 */
export async function compileFlow(
  config: FlowConfig,
  host: FlowHost,
  faults: FlowFault[],
): Promise<AnyWorkflow> {
  const fields = parseFields(config.state.fields);
  const arcs = arcsOf(config.edges);
  const graph = new Graph(arcs);
  const looped = loopedNodes(arcs, graph);
  const nodes = new Map<string, ReadyNode>();
  for (const [index, node] of config.nodes.entries()) {
    const run = await prepareNode(node, config, { host, fields, place: ["nodes", index], faults });
    if (run !== null) nodes.set(node.id, readyNode(node, run, config.edges, looped));
  }
  const edges = new Map(config.edges.map((edge) => [edge.from, compileEdge(edge, fields)]));
  const flow: Flow = { fields, nodes, edges, graph, env: readEnv(config.env ?? [], host, faults) };
  return toWorkflow(config, flow);
}

/**
 * The faults that only the host can tell of a flow that has others, so that all are told at once.
 *
 * @param holds true for a node without faults
 */
export async function findHostFaults(
  config: FlowConfig,
  host: FlowHost,
  holds: (index: number) => boolean,
): Promise<FlowFault[]> {
  const faults: FlowFault[] = [];
  const fields = parseFields(config.state.fields);
  for (const [index, node] of config.nodes.entries()) {
    if (holds(index)) await prepareNode(node, config, { host, fields, place: ["nodes", index], faults });
  }
  readEnv(config.env ?? [], host, faults);
  return faults;
}

async function prepareNode(
  node: NodeForm,
  config: FlowConfig,
  { host, fields, place, faults }: { host: FlowHost; fields: Fields; place: Place; faults: FlowFault[] },
): Promise<RunNode | null> {
  const { name, kind } = kindOf(node);
  return await kind.prepare(node[name], node, {
    host,
    fields,
    llm: config.config?.llm ?? {},
    fault: (at, detail) => faults.push({ place: [...place, ...at], detail }),
  });
}

function readyNode(
  node: NodeForm,
  run: RunNode,
  edges: readonly EdgeForm[],
  looped: ReadonlySet<string>,
): ReadyNode {
  const { kind } = kindOf(node);
  const parts = kind.partsOf(node);
  const items = itemsOf(node.id, edges);
  return {
    id: node.id,
    run,
    outputs: parts === null ? null : outputsOf(node, parts),
    writes: writesOf(node),
    inputs: compileTemplates(node.inputs ?? {}),
    isNumbered: items !== null || looped.has(node.id),
    isGroup: kind.isGroup,
    items,
  };
}

function kindOf(node: NodeForm): { name: string; kind: NodeKind } {
  for (const [name, kind] of KINDS) if (node[name] !== undefined) return { name, kind };
  throw new TypeError(`Cannot tell the kind of node ${node.id}`);
}

function itemsOf(id: string, edges: readonly EdgeForm[]): Items | null {
  const parallel = edges.find((edge) => edge.parallel?.target_node === id)?.parallel;
  if (parallel === undefined) return null;
  const { items_field: field, collect_field: collectField, max_concurrency } = parallel;
  return { field, collectField, concurrencyMax: max_concurrency ?? CONCURRENCY_DEFAULT };
}

function compileEdge({ from, to, routes, loop, parallel }: EdgeForm, fields: Fields): ReadyEdge {
  if (routes !== undefined) {
    return {
      kind: "routes",
      routes: routes
        .filter(({ condition }) => !isDefault(condition.logic))
        .map((route) => ({ holds: compileCondition(route.condition.logic, fields), to: route.to })),
      fallback: routes.find(({ condition }) => isDefault(condition.logic))?.to ?? "END",
    };
  }
  if (loop !== undefined) {
    return {
      kind: "loop",
      to: loop.to ?? from,
      until: loop.condition_field,
      roundsMax: loop.max_iterations ?? ITERATIONS_DEFAULT,
      exitTo: loop.exit_to,
    };
  }
  if (parallel !== undefined) return { kind: "to", to: [parallel.target_node] };
  return { kind: "to", to: typeof to === "string" ? [to] : (to ?? []) };
}

function readEnv(
  names: readonly string[],
  { env }: FlowHost,
  faults: FlowFault[],
): Readonly<Record<string, string>> {
  const values: [string, string][] = [];
  for (const [index, name] of names.entries()) {
    // The check has told of it.
    if (isReservedVariable(name) || !VARIABLE_NAME.test(name)) continue;
    const value = Object.hasOwn(env, name) ? env[name] : undefined;
    if (value === undefined || value === "") {
      faults.push({
        place: ["env", index],
        detail: `Cannot use ${name}: it is not set in the environment; set it, or leave it out`,
      });
    } else values.push([name, value]);
  }
  return Object.fromEntries(values);
}

function toWorkflow(config: FlowConfig, flow: Flow): AnyWorkflow {
  const { timeout, max_retries } = config.config?.execution ?? {};
  const run: AnyWorkflow["run"] = (context) => walkFlow(flow, context);
  // Through defineWorkflow, so that a flow has the same defaults as code.
  const { timeoutMs, retry } = defineWorkflow({
    run,
    ...(timeout === undefined ? {} : { timeout: Math.max(1, timeout * 1_000) }),
    ...(max_retries === undefined ? {} : { retry: { attempts: max_retries + 1 } }),
  });
  const fromDelivery = compileSources(config, flow.fields);
  return brandWorkflow({
    kind: "flow",
    description: config.flow.description ?? null,
    on: parseTriggers(config.on),
    timeoutMs,
    retry,
    concurrency: null,
    validate: (input, event) =>
      event === undefined || event.provider === "generic"
        ? initialState(flow.fields, input)
        : fromDelivery(input, event),
    run,
  });
}

/**
 * The first state from a provider's delivery: a field takes what its `from` leads to, else the key of its name in the
 * body. All else in the body is ignored, because a provider adds keys when it likes.
 */
function compileSources(
  config: FlowConfig,
  fields: Fields,
): (body: unknown, event: EventOrigin) => Validation<State> {
  const sources = new Map(
    Object.entries(config.state.fields).flatMap(([name, { from }]) =>
      from === undefined ? [] : [[name, compileEventExpression(from).evaluate] as const],
    ),
  );
  return (body, event) => {
    const view = viewOf(event, body);
    const faults: Fault[] = [];
    const state = fillState(fields, faults, (name) => {
      const source = sources.get(name);
      if (source !== undefined) return toJson(source(view));
      return isRecord(body) && Object.hasOwn(body, name) ? body[name] : undefined;
    });
    return faults.length > 0
      ? { faults: faults.map((fault) => withSource(fault, config)) }
      : { value: state };
  };
}

function withSource({ pointer, detail }: Fault, { state }: FlowConfig): Fault {
  const name = pointer.split("/")[1] ?? "";
  const from = Object.hasOwn(state.fields, name) ? state.fields[name]?.from : undefined;
  return { pointer, detail: from === undefined ? detail : `${detail} (from ${from})` };
}

function viewOf({ provider, type, webhookId, headers }: EventOrigin, body: unknown): EventView {
  const kept = headers instanceof Headers ? Object.fromEntries(headers) : headers;
  return { provider, type, webhookId, headers: kept, body };
}

/** What is not there fills no field. An expression's own whole numbers become JSON's. */
function toJson(value: unknown): unknown {
  if (value instanceof ExpressionFault) return undefined;
  if (typeof value === "bigint") return Number(value);
  return Array.isArray(value) ? value.map(toJson) : value;
}
