import type { FlowConfig } from "../../lib/flows/flow-config.ts";
import type { FlowHost } from "../../lib/flows/node-kind.ts";
import { flowFromConfig } from "../../lib/flows/parse.ts";
import { silentLog } from "../../lib/log.ts";
import { withHooks } from "../../lib/step-hooks.ts";
import type { AnyWorkflow, RunContext, Step, StepContext } from "../../lib/workflow.ts";
import { flowHost } from "./flow-host.ts";

/** What earlier attempts have finished, by step; a new one of each attempt is added. */
export type Remembered = Map<string, unknown>;

/** A flow of these parts; a field is a type, or a whole form. */
export async function flowOf(
  fields: Readonly<Record<string, string | object>>,
  nodes: FlowConfig["nodes"],
  edges: FlowConfig["edges"],
  host: Partial<FlowHost> = {},
  rest: Partial<FlowConfig> = {},
): Promise<AnyWorkflow> {
  const forms = Object.entries(fields).map(([name, form]) => [
    name,
    typeof form === "string" ? { type: form } : form,
  ]);
  return await flowFromConfig(
    {
      schema_version: "1.0",
      flow: { name: "test" },
      state: { fields: Object.fromEntries(forms) },
      nodes,
      edges,
      ...rest,
    },
    flowHost(host),
  );
}

/** One attempt: steps that are remembered are not run again, and those that end are added. */
export async function attempt(
  workflow: AnyWorkflow,
  input: unknown = {},
  remembered: Remembered = new Map(),
  parts: Partial<RunContext<unknown>> = {},
): Promise<unknown> {
  const used = new Set<string>();
  const { signal } = new AbortController();
  const underWay = new Set<Promise<unknown>>();
  let failure: { error: unknown } | null = null;
  const run = async (name: string, fn: (context: StepContext) => unknown): Promise<unknown> => {
    if (used.has(name)) throw new Error(`Step ${name} is used twice`);
    used.add(name);
    if (!remembered.has(name)) {
      const result = await fn({ signal, idempotencyKey: `run_1:${name}` });
      remembered.set(name, result === undefined ? undefined : JSON.parse(JSON.stringify(result)));
    }
    return remembered.get(name);
  };
  const once = (name: string, fn: (context: StepContext) => unknown): Promise<unknown> => {
    if (failure !== null) return Promise.reject(new Error(`Step ${name} begins after a failure`));
    const step = run(name, fn);
    underWay.add(step);
    const done = (): boolean => underWay.delete(step);
    step.then(done, done);
    return step;
  };
  const fail = async (error: unknown): Promise<unknown> => {
    failure ??= { error };
    while (underWay.size > 0) await Promise.allSettled(underWay);
    return failure.error;
  };
  const validation = await workflow.validate(input);
  if ("faults" in validation) throw new Error(JSON.stringify(validation.faults));
  return await workflow.run({
    input: validation.value,
    step: withHooks(Object.assign(once, { sleep: async () => {} }) as unknown as Step, {
      group: once as never,
      fail,
    }),
    signal,
    log: silentLog,
    runId: "run_1",
    attempt: 1,
    ...parts,
  } as RunContext<unknown>);
}
