import { brandWorkflow, defineWorkflow, parseTriggers, toPointer } from "../define-workflow.ts";
import { messageOf, WebhookError } from "../errors.ts";
import type { AnyWorkflow } from "../workflow.ts";
import { checkFlow } from "./check.ts";
import { nodeOrder } from "./edges.ts";
import { initialState, parseFields } from "./fields.ts";
import type { FlowConfig } from "./form.ts";
import { compileSet } from "./nodes/set.ts";
import { readSource, type SourceFault } from "./source.ts";
import { type Flow, walkFlow } from "./walk.ts";

/**
 * The workflow that a flow's file describes.
 *
 * @param text YAML, or JSON where the name ends in `.json`; at most 1 MiB
 * @param fileName as it stands before line and column in each fault
 * @throws {FlowError} with every fault of the file, each with its place
 */
export function parseFlow(text: string, fileName: string): AnyWorkflow {
  const source = readSource(text, fileName.endsWith(".json"));
  if (source.faults.length > 0) throw new FlowError(source.faults.map((fault) => lineOf(fileName, fault)));
  const faults = checkFlow(source.value).map(({ place, detail }) => ({ ...source.locate(place), detail }));
  if (faults.length > 0) {
    faults.sort((a, b) => a.line - b.line || a.column - b.column);
    throw new FlowError(faults.map((fault) => lineOf(fileName, fault)));
  }
  return toWorkflow(source.value as FlowConfig);
}

/**
 * The workflow of a flow that is given as an object.
 *
 * @throws {FlowError} with every fault, each with a JSON Pointer to its place
 */
export function flowFromConfig(config: FlowConfig): AnyWorkflow {
  const plain = toPlain(config);
  const faults = checkFlow(plain);
  if (faults.length > 0) {
    throw new FlowError(faults.map(({ place, detail }) => `${toPointer(place) || "the flow"}: ${detail}`));
  }
  return toWorkflow(plain as FlowConfig);
}

/** A flow that cannot be used; the message has a line for each fault. */
export class FlowError extends WebhookError {
  override name = "FlowError";

  constructor(lines: readonly string[], options?: { cause?: unknown }) {
    super("flow_invalid", lines.join("\n"), options);
  }
}

function toWorkflow(config: FlowConfig): AnyWorkflow {
  const fields = parseFields(config.state.fields);
  const nodes = new Map(config.nodes.map((node) => [node.id, { id: node.id, run: compileSet(node) }]));
  const flow: Flow = { fields, nodes: nodeOrder(config.edges).flatMap((id) => nodes.get(id) ?? []) };
  const { timeout, max_retries } = config.config?.execution ?? {};
  const run: AnyWorkflow["run"] = (context) => walkFlow(flow, context);
  // Through defineWorkflow, so that a flow has the same defaults as code.
  const { timeoutMs, retry } = defineWorkflow({
    run,
    ...(timeout === undefined ? {} : { timeout: Math.max(1, timeout * 1_000) }),
    ...(max_retries === undefined ? {} : { retry: { attempts: max_retries + 1 } }),
  });
  return brandWorkflow({
    kind: "flow",
    description: config.flow.description ?? null,
    on: parseTriggers(config.on),
    timeoutMs,
    retry,
    concurrency: null,
    validate: (input) => initialState(fields, input),
    run,
  });
}

/** What a file with the same content would hold: plain JSON, so that no later change of the object changes the flow. */
function toPlain(config: unknown): unknown {
  try {
    return JSON.parse(JSON.stringify(config) ?? "null");
  } catch (error) {
    const detail = `Cannot use the flow: JSON cannot carry it (${messageOf(error).replaceAll(/\s+/g, " ")})`;
    throw new FlowError([detail], { cause: error });
  }
}

function lineOf(fileName: string, { line, column, detail }: SourceFault): string {
  return `${fileName}:${line}:${column}: ${detail}`;
}
