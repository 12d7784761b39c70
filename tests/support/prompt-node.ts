import { ANY_TYPE, type FieldType } from "../../lib/flows/field-type.ts";
import type { Field } from "../../lib/flows/fields.ts";
import type { NodeContext, NodeForm, NodeGivens } from "../../lib/flows/node-kind.ts";
import { prompt } from "../../lib/flows/nodes/prompt.ts";
import type { Step } from "../../lib/workflow.ts";
import type { ModelServer } from "./model-servers.ts";

/** What the prompt of each test says, to look for where it must not be. */
export const PROMPT_WORDS = "the whispered topic";

/** A prompt node outside of any flow. */
export interface PromptNode {
  /** What was wrong when it was loaded, each as `place: detail`. */
  readonly faults: readonly string[];
  /** What it logged while it ran. */
  readonly lines: readonly string[];
  /** The names of the steps that its tools made. */
  readonly steps: readonly string[];
  run(signal?: AbortSignal): Promise<Record<string, unknown>>;
}

/** What a test says of a node. */
export interface PromptOptions {
  readonly text?: string;
  readonly node?: Readonly<Record<string, unknown>>;
  /** `config.llm`; without it the server's provider. */
  readonly llm?: Readonly<Record<string, unknown>>;
  /** The types of the state's fields. */
  readonly fields?: Readonly<Record<string, FieldType>>;
  readonly env?: Readonly<Record<string, string>>;
  readonly importModule?: (path: string) => Promise<object>;
}

/** Loads the node as a flow would: its form is taken as checked. */
export async function openPromptNode(server: ModelServer, options: PromptOptions): Promise<PromptNode> {
  const faults: string[] = [];
  const lines: string[] = [];
  const steps: string[] = [];
  const types = Object.entries(options.fields ?? { answer: { kind: "str" } });
  const fields = new Map(
    types.map(([name, type]): [string, Field] => [
      name,
      { type, isRequired: false, isNullable: false, default: undefined },
    ]),
  );
  const node: NodeForm = { id: "ask", outputs: [...fields.keys()], ...options.node };
  const fault = (place: readonly (string | number)[], detail: string): void => {
    faults.push(`${place.join(".")}: ${detail}`);
  };
  const text = options.text ?? "Tell of {state.topic}";
  prompt.check(text, node, { fields, fault, templates: () => true, typeOf: () => ANY_TYPE });
  const givens: NodeGivens = {
    host: {
      env: { ...server.env, ...options.env },
      importModule: options.importModule ?? (() => Promise.reject(new TypeError("none there"))),
      findWorkflow: () => undefined,
    },
    llm: options.llm ?? { provider: server.protocol },
    fields,
    fault,
  };
  const runNode = faults.length > 0 ? null : await prompt.prepare(text, node, givens);
  const log = (message: string, more?: object): void => {
    lines.push(`${message} ${JSON.stringify(more)}`);
  };
  const step = (async (name: string, fn: (context: object) => unknown) => {
    steps.push(name);
    return await fn({ signal: new AbortController().signal, idempotencyKey: `run_1:${name}` });
  }) as unknown as Step;
  return {
    faults,
    lines,
    steps,
    async run(signal = new AbortController().signal) {
      if (runNode === null) throw new Error(`Cannot run the node: ${faults.join("; ")}`);
      const run = { runId: "run_1", step, signal, log: { debug: log, info: log, warn: log, error: log } };
      return (await runNode({
        values: { locals: {}, state: { topic: PROMPT_WORDS }, env: {} },
        stepName: "ask",
        idempotencyKey: "run_1:ask",
        signal,
        run,
      } as unknown as NodeContext)) as Record<string, unknown>;
    },
  };
}
