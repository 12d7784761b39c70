import type { AnyWorkflow, RunContext } from "../../../lib/workflow.ts";
import { type Awake, TIMEOUT_MS } from "./journal.ts";
import type { Machine } from "./machine.ts";
import type { Parts } from "./program.ts";
import type { SimProcess } from "./sim-process.ts";

/** How each workflow of a world ends where nobody cancels it. */
export const ENDS: Readonly<Record<string, "succeeded" | "failed">> = {
  plain: "succeeded",
  steps: "succeeded",
  parallel: "succeeded",
  sleeper: "succeeded",
  flaky: "succeeded",
  slow: "succeeded",
  limited: "succeeded",
  long: "succeeded",
  doomed: "failed",
  issues: "succeeded",
  audit: "succeeded",
};

/** How many runs of `limited` may be awake over all processes. */
export const LIMITED_MAX = 2;

/** What a delivery asks of a workflow; the same in every attempt. */
export interface Inputs {
  /** How long its steps take at most. */
  ms: number;
  /** How often its run fails first. */
  fails: number;
}

/** The workflows as one process has them. What they do is written into the journal. */
export function workflowsOf(
  process: SimProcess,
  machine: Machine,
  { defineWorkflow, FatalError }: Parts,
): Record<string, AnyWorkflow> {
  const define = (
    name: string,
    body: (work: Work) => Promise<unknown>,
    more: { timeout?: number; concurrency?: number; on?: { provider: string }[] } = {},
  ): [string, AnyWorkflow] => [
    name,
    defineWorkflow({
      timeout: 30_000,
      retry: { attempts: 25, minDelay: 100, maxDelay: 2_000 },
      ...more,
      async run(context) {
        const work = new Work(process, machine, name, context);
        const result = await body(work);
        work.end(result);
        return result;
      },
    }),
  ];
  return Object.fromEntries([
    define("plain", async (work) => {
      await process.pause(work.inputs.ms);
      return work.id;
    }),
    define("steps", async (work) => {
      return [await work.step("a"), await work.step("b"), await work.step("c")];
    }),
    define("parallel", async (work) => {
      const both = await Promise.all([work.step("a"), work.step("b"), work.step("c")]);
      return [...both, await work.step("d")];
    }),
    define("sleeper", async (work) => {
      const first = await work.step("a");
      await Promise.all([work.sleep("nap", work.inputs.ms * 20), work.step("b")]);
      await work.sleep("second nap", work.inputs.ms);
      return [first, await work.step("c")];
    }),
    define("flaky", async (work) => {
      const breaks = (): never => {
        throw new Error("the step breaks");
      };
      return [await work.step("a"), await work.step("b", work.isEarly ? breaks : undefined)];
    }),
    define(
      "slow",
      async (work) => {
        // Beyond its timeout, and mostly beyond the wait for what hangs.
        const hangs = (): Promise<void> => process.pause(8_000 + work.inputs.ms * 50);
        return [await work.step("a"), await work.step("b", work.isEarly ? hangs : undefined)];
      },
      { timeout: TIMEOUT_MS },
    ),
    define("limited", async (work) => [await work.step("a"), await work.step("b")], {
      concurrency: LIMITED_MAX,
    }),
    // Awake for longer than others need to think its process dead.
    define(
      "long",
      async (work) => {
        const slowly = (): Promise<void> => process.pause(work.inputs.ms * 10);
        return [await work.step("a", slowly), await work.step("b", slowly), await work.step("c", slowly)];
      },
      { timeout: 60_000 },
    ),
    define("doomed", async (work) => {
      await work.step("a");
      throw new FatalError("the workflow gives up");
    }),
    define("issues", async (work) => work.step("a"), { on: [{ provider: "tracker" }] }),
    define("audit", async (work) => work.step("a"), { on: [{ provider: "tracker" }] }),
  ]);
}

/** A call of a workflow's `run`, with its steps. */
class Work {
  readonly inputs: Inputs;
  /** No other call has it. */
  readonly id: number;
  /** True while its run still has to fail. */
  readonly isEarly: boolean;
  readonly #process: SimProcess;
  readonly #machine: Machine;
  readonly #context: RunContext<unknown>;
  readonly #awake: Awake;

  constructor(process: SimProcess, machine: Machine, name: string, context: RunContext<unknown>) {
    const body = context.event.body as { inputs?: Inputs };
    this.inputs = body.inputs ?? (body as Inputs);
    this.#process = process;
    this.#machine = machine;
    this.#context = context;
    this.#awake = machine.journal.started(process, context.runId, name);
    this.id = this.#awake.id;
    this.isEarly = (machine.journal.begun.get(context.runId) ?? 0) <= this.inputs.fails;
  }

  /** A step that takes its time and gives what can be told from every other effect. */
  async step(name: string, instead?: () => unknown): Promise<string> {
    const { journal } = this.#machine;
    const value = await this.#context.step(name, async () => {
      journal.began(this.#awake, name);
      if (instead !== undefined) await instead();
      else await this.#process.pause(this.inputs.ms);
      journal.effect(this.#awake, name);
      return { of: `${name} of ${this.#awake.id}`, at: new Date(0) as unknown };
    });
    // In the first attempt, too, it is what a later one would read.
    if (typeof value.at !== "string")
      this.#machine.world.blame(`step ${name} gave ${typeof value.at} for a Date`);
    journal.returned(this.#awake, name, value.of);
    // Whoever is frozen here has a step to begin when it wakes up.
    await this.#process.pause(this.inputs.ms);
    return value.of;
  }

  sleep(name: string, ms: number): Promise<void> {
    return this.#context.step.sleep(name, ms);
  }

  end(result: unknown): void {
    this.#machine.journal.ended(this.#awake, result);
  }
}
