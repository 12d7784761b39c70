import { toPointer } from "../define-workflow.ts";
import { messageOf, WebhookError } from "../errors.ts";
import { hasOddNumber } from "../json.ts";
import type { AnyWorkflow } from "../workflow.ts";
import { checkFlow } from "./check.ts";
import { checkChild } from "./check-child.ts";
import { checkForm, findIdle } from "./check-form.ts";
import { itemTypes } from "./check-nodes.ts";
import { findOddities } from "./check-oddities.ts";
import { compileFlow, findHostFaults } from "./compile.ts";
import { type FlowFault, isRecord, show } from "./fault.ts";
import { type Fields, parseFields } from "./fields.ts";
import type { FlowConfig } from "./flow-config.ts";
import type { FlowHost } from "./node-kind.ts";
import type { Position, SourceFault } from "./position.ts";
import { readSource, type Source } from "./source.ts";

/** A flow's file that can run, and what it says besides. */
export interface ParsedFlow {
  readonly workflow: AnyWorkflow;
  /** What is odd and does not stop it. */
  readonly warnings: readonly SourceFault[];
  /** What its inputs fill; null for a workflow of code, which tells at run time. */
  readonly fields: Fields | null;
  /** The workflows that its nodes name, with the places of the names. */
  readonly children: readonly ChildUse[];
  /** The providers that its `on` names, with the places of the names; a workflow of code has none. */
  readonly providers: readonly (Partial<Position> & { readonly name: string })[];
}

/** A workflow that a node names. */
export interface ChildUse {
  readonly name: string;
  readonly at: Position;
  /** The faults between the node and the child, where that is a flow. */
  readonly faultsWith: (child: Fields) => SourceFault[];
}

/**
 * The workflow that a flow's file describes.
 *
 * @param content YAML, or JSON where the name ends in `.json`; bytes are UTF-8; at most 1 MiB
 * @param fileName as it stands before line and column in each fault
 * @throws {FlowError} with every fault of the file, each with its place
 */
export async function parseFlow(
  content: string | Uint8Array,
  fileName: string,
  host: FlowHost,
): Promise<ParsedFlow> {
  const source = readSource(content, fileName.endsWith(".json"));
  if (source.value === undefined) throw new FlowError(fileName, source.faults);
  const { faults, workflow } = await checkAndCompile(source.value, host);
  if (workflow === null || source.faults.length > 0) {
    throw new FlowError(fileName, inOrder([...source.faults, ...located(faults, source)]));
  }
  const config = source.value as FlowConfig;
  const fields = parseFields(config.state.fields);
  const items = itemTypes(config.edges, fields);
  return {
    workflow,
    fields,
    warnings: inOrder(located([...findIdle(config), ...findOddities(config)], source)),
    providers: (config.on ?? []).map(({ provider }, index) => ({
      ...source.locate(["on", index, "provider"]),
      name: provider,
    })),
    children: config.nodes.flatMap((node, index) => {
      if (typeof node.workflow !== "string") return [];
      return [
        {
          name: node.workflow,
          at: source.locate(["nodes", index, "workflow"]),
          faultsWith: (child) => {
            const own = { fields, item: items.get(node.id) ?? null };
            return inOrder(located(checkChild(node, ["nodes", index], own, child), source));
          },
        },
      ];
    }),
  };
}

/**
 * The workflow of a flow that is given as an object, and so has no other workflows beside it.
 *
 * @throws {FlowError} with every fault, each with a JSON Pointer to its place
 */
export async function flowFromConfig(config: FlowConfig, host: FlowHost): Promise<AnyWorkflow> {
  const plain = toPlain(config);
  const { faults, workflow } = await checkAndCompile(plain, host);
  faults.push(...childFaults(plain));
  if (workflow !== null && faults.length === 0) return workflow;
  throw new WebhookError(
    "flow_invalid",
    faults.map(({ place, detail }) => `${toPointer(place) || "the flow"}: ${detail}`).join("\n"),
  );
}

function childFaults(config: unknown): FlowFault[] {
  const nodes = isRecord(config) && Array.isArray(config.nodes) ? config.nodes : [];
  return nodes.flatMap((node, index) => {
    if (!isRecord(node) || node.workflow === undefined) return [];
    const detail = `Cannot run workflow ${show(node.workflow)}: there are none beside a flow that is no file; write it to one`;
    return [{ place: ["nodes", index, "workflow"], detail }];
  });
}

/** A flow's file that cannot be used; the message has a line for each fault. */
export class FlowError extends WebhookError {
  override name = "FlowError";
  /** As it stands before line and column. */
  readonly fileName: string;
  /** In the order in which they stand in the file. */
  readonly places: readonly SourceFault[];

  constructor(fileName: string, places: readonly SourceFault[]) {
    super(
      "flow_invalid",
      places.map(({ line, column, detail }) => `${fileName}:${line}:${column}: ${detail}`).join("\n"),
    );
    this.fileName = fileName;
    this.places = places;
  }
}

async function checkAndCompile(
  value: unknown,
  host: FlowHost,
): Promise<{ faults: FlowFault[]; workflow: AnyWorkflow | null }> {
  const faults = checkFlow(value);
  if (faults.length === 0) {
    const workflow = await compileFlow(value as FlowConfig, host, faults);
    return { faults, workflow: faults.length === 0 ? workflow : null };
  }
  if (checkForm(value).length === 0) {
    const holds = (index: number): boolean =>
      !faults.some(({ place }) => place[0] === "nodes" && place[1] === index);
    faults.push(...(await findHostFaults(value as FlowConfig, host, holds)));
  }
  return { faults, workflow: null };
}

/** More than anybody mends at once: a file of 1 MiB has room for a fault in each of its keys. */
const FAULTS_MAX = 200;

function located(faults: readonly FlowFault[], source: Source): SourceFault[] {
  return faults.map(({ place, detail }) => ({ ...source.locate(place), detail }));
}

/** In the order of the file, and bounded. */
function inOrder(faults: readonly SourceFault[]): SourceFault[] {
  const places = faults.toSorted((a, b) => a.line - b.line || a.column - b.column);
  const next = places[FAULTS_MAX];
  if (next === undefined) return places;
  const detail = `Cannot list ${places.length - FAULTS_MAX} further faults: mend these first`;
  return [...places.slice(0, FAULTS_MAX), { ...next, detail }];
}

/** What a file with the same content would hold: plain JSON, so that no later change of the object changes the flow. */
function toPlain(config: unknown): unknown {
  if (hasOddNumber(config)) {
    throw new WebhookError(
      "flow_invalid",
      "Cannot use the flow: JSON has no Infinity and no NaN; take another number",
    );
  }
  try {
    return JSON.parse(JSON.stringify(config) ?? "null");
  } catch (error) {
    const detail = `Cannot use the flow: JSON cannot carry it (${messageOf(error).replaceAll(/\s+/g, " ")})`;
    throw new WebhookError("flow_invalid", detail, { cause: error });
  }
}
