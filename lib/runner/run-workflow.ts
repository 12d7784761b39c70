import { systemClock } from "../clock.ts";
import { isWorkflow } from "../define-workflow.ts";
import { faultsText, WebhookError } from "../errors.ts";
import type { WebhookEvent } from "../event.ts";
import type { FlowConfig } from "../flows/flow-config.ts";
import { newId } from "../ids.ts";
import { silentLog } from "../log.ts";
import { readResult, storeResult } from "../stored-result.ts";
import type { AnyWorkflow } from "../workflow.ts";
import { folderHost } from "../workflows/folder-host.ts";
import { loadWorkflowFile } from "../workflows/load.ts";
import { validateInput } from "../workflows/validate.ts";
import { MemoryAttempt } from "./memory-attempt.ts";

/** What a workflow that is run directly may use. */
export interface RunWorkflowOptions {
  /** The environment that flows take their variables and keys from, by default the process's. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/**
 * Runs a workflow file once, in memory: without a server, a retry or a memory of its steps.
 *
 * @param configPath a path or `file:` URL of a `.yaml`, `.yml`, `.json`, `.ts` or `.js` file
 * @param inputs what the workflow takes, as JSON would carry it
 * @returns the result, as JSON would carry it; of a flow the final state
 * @throws what the workflow throws; a `WebhookError` `input_invalid` with its `faults`, `flow_invalid` for a wrong
 * file, `timed_out`; a `TypeError` for a result that is no object
 * @example
 * ```ts
 * const result = await runWorkflowAsync("workflows/simple_workflow.yaml", { input: "test" });
 * ```
 */
export async function runWorkflowAsync(
  configPath: string | URL,
  inputs: Record<string, unknown>,
  { env = process.env }: RunWorkflowOptions = {},
): Promise<Record<string, unknown>> {
  const fileName = String(configPath).split(/[\\/]/).at(-1) ?? "";
  return await runOnce(await loadWorkflowFile(configPath, env), fileName.replace(/\.[^.]+$/, ""), inputs);
}

/**
 * Runs a flow that is given as an object, or a workflow made by `defineWorkflow`, as `runWorkflowAsync` does. Functions
 * and tools that the flow names are looked for in the working folder, and `workflow` nodes are refused.
 *
 * @throws as `runWorkflowAsync` does
 */
export async function runWorkflowFromConfig(
  config: FlowConfig | AnyWorkflow,
  inputs: Record<string, unknown>,
  { env = process.env }: RunWorkflowOptions = {},
): Promise<Record<string, unknown>> {
  if (isWorkflow(config)) return await runOnce(config, "workflow", inputs);
  const { flowFromConfig } = await import("../flows/parse.ts");
  const flow = await flowFromConfig(
    config,
    folderHost(process.cwd(), env, () => undefined),
  );
  return await runOnce(flow, config.flow.name, inputs);
}

async function runOnce(
  workflow: AnyWorkflow,
  name: string,
  inputs: Record<string, unknown>,
): Promise<Record<string, unknown>> {
  const sent = readResult(storeResult(inputs, "the inputs"));
  const validation = await validateInput(workflow, sent);
  if ("faults" in validation) {
    throw new WebhookError(
      "input_invalid",
      `Cannot run ${name} with these inputs: ${faultsText(validation.faults, "the inputs")}`,
      {
        faults: validation.faults,
      },
    );
  }
  const runId = newId("run");
  const attempt = new MemoryAttempt(systemClock, runId, workflow.timeoutMs);
  const result = await attempt.run(workflow, {
    input: validation.value,
    event: localEvent(name, sent),
    step: attempt.step,
    signal: attempt.signal,
    log: silentLog,
    runId,
    attempt: 1,
  });
  const stored = readResult(storeResult(result, `the result of ${name}`));
  if (typeof stored === "object" && stored !== null && !Array.isArray(stored)) return { ...stored };
  const found = Array.isArray(stored) ? "a list" : stored === null ? "null" : typeof stored;
  throw new TypeError(`Cannot hand back the result of ${name}, which is ${found}: return an object from run`);
}

function localEvent(name: string, inputs: unknown): WebhookEvent {
  return {
    id: newId("evt"),
    provider: "generic",
    webhookId: null,
    type: null,
    headers: new Headers({ "content-type": "application/json" }),
    body: { workflow_name: name, inputs },
    acceptedAt: systemClock.now(),
  };
}
