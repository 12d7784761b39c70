import * as assert from "uvu/assert";
import * as v from "valibot";
import { type DefinedTool, defineTool, type ToolOptions } from "../../lib/define-tool.ts";
import { type Place, placeText } from "../../lib/flows/fault.ts";
import { prepareTools, type Tool, type ToolEntry } from "../../lib/flows/tool.ts";
import { silentLog } from "../../lib/log.ts";
import type { RunContext, StepContext } from "../../lib/workflow.ts";
import { flowHost } from "./flow-host.ts";

/** A tool that takes `{ q: text }`. */
export function toolOf(run: ToolOptions["run"], parts: Partial<ToolOptions> = {}): DefinedTool {
  return defineTool({
    description: "Looks something up",
    input: v.object({ q: v.string() }),
    parameters: { type: "object", properties: { q: { type: "string" } }, required: ["q"] },
    run,
    ...parts,
  });
}

/** Prepares tools of these definitions, and what was told of them. */
export async function tryTools(
  entries: readonly ToolEntry[],
  defined: Readonly<Record<string, unknown>>,
  env: Readonly<Record<string, string>> = {},
): Promise<{ tools: readonly Tool[] | null; faults: string[] }> {
  const faults: string[] = [];
  const importModule = async (path: string): Promise<object> => {
    const tool = defined[path.replace(/^tools\//, "")];
    if (tool === undefined) throw new TypeError(`there is no file ${path}.ts or ${path}.js in /flows`);
    return { default: tool };
  };
  const fault = (place: Place, detail: string): void => void faults.push(`${placeText(place)}: ${detail}`);
  const tools = await prepareTools(entries, { host: flowHost({ env, importModule }), fault });
  return { tools, faults };
}

/** One tool named `lookup`, ready to be called. */
export async function lookupOf(
  run: ToolOptions["run"],
  parts: Partial<ToolOptions> = {},
  { env = {}, onError = "fail" }: { env?: Record<string, string>; onError?: "fail" | "continue" } = {},
): Promise<Tool> {
  const entries = [{ name: "lookup", on_error: onError }];
  const { tools, faults } = await tryTools(entries, { lookup: toolOf(run, parts) }, env);
  assert.equal(faults, []);
  return tools?.[0] as Tool;
}

/** What a node hands over with a call, in an attempt of its own; `steps` holds what earlier attempts have finished. */
export function attemptOf(
  steps: Map<string, unknown> = new Map(),
  signal: AbortSignal = new AbortController().signal,
): { run: RunContext<unknown>; stepName: string; signal: AbortSignal } {
  const used = new Set<string>();
  const step = async (name: string, fn: (context: StepContext) => unknown): Promise<unknown> => {
    assert.not(used.has(name), `step ${name} is used twice`);
    used.add(name);
    if (!steps.has(name)) {
      const result = await fn({ signal, idempotencyKey: `run_1:${name}` });
      steps.set(name, JSON.parse(JSON.stringify(result)));
    }
    return steps.get(name);
  };
  const run = { step, signal, log: silentLog, runId: "run_1", attempt: 1 } as unknown as RunContext<unknown>;
  return { run, stepName: "ask", signal };
}
