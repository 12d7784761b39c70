import { type Clock, setLongTimer, type Timer } from "../clock.ts";
import { type Duration, parseDuration } from "../duration.ts";
import { WebhookError } from "../errors.ts";
import type { StepKind } from "../run.ts";
import { type GroupFunction, type GroupStep, withHooks } from "../step-hooks.ts";
import { checkStepName, isPartOf } from "../step-names.ts";
import { readResult, storeResult } from "../stored-result.ts";
import type { AnyWorkflow, RunContext, Step, StepContext } from "../workflow.ts";

/** One try of a workflow whose steps are kept nowhere; its timeout counts the time awake, as everywhere. */
export class MemoryAttempt {
  readonly #clock: Clock;
  readonly #runId: string;
  readonly #timeoutMs: number;
  readonly #controller = new AbortController();
  readonly #used = new Map<string, StepKind>();
  /** Those that have begun, with their names. */
  readonly #steps = new Map<Promise<unknown>, string>();
  readonly #sleeps = new Set<Timer>();
  #timer: Timer | null = null;
  /** Why it ends, where only what runs beside a failure is waited for. */
  #failure: { error: unknown } | null = null;

  /** @param timeoutMs milliseconds awake */
  constructor(clock: Clock, runId: string, timeoutMs: number) {
    this.#clock = clock;
    this.#runId = runId;
    this.#timeoutMs = timeoutMs;
  }

  /** Aborts when the timeout is over. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** The function that the workflow is given. */
  readonly step: Step = withHooks(
    Object.assign(
      <T>(name: string, fn: (context: StepContext) => T | Promise<T>) =>
        this.#begin(name, () => this.#do(name, fn)),
      { sleep: (name: string, duration: Duration) => this.#sleep(name, duration) },
    ) as Step,
    {
      group: ((name: string, fn: GroupFunction) => this.#doGroup(name, fn)) as GroupStep,
      fail: (error) => this.#fail(error),
    },
  );

  /** What the workflow returns once the steps that it left under way are done too. */
  async run(workflow: AnyWorkflow, context: RunContext<unknown>): Promise<unknown> {
    const timedOut = new Promise<never>((_resolve, reject) => {
      this.signal.addEventListener("abort", () => reject(this.signal.reason), { once: true });
    });
    this.#wake();
    try {
      return await Promise.race([this.#finish(workflow, context), timedOut]);
    } finally {
      this.#timer?.clear();
      for (const sleep of this.#sleeps) sleep.clear();
    }
  }

  async #finish(workflow: AnyWorkflow, context: RunContext<unknown>): Promise<unknown> {
    const result = await workflow.run(context);
    while (this.#steps.size > 0) await Promise.all(this.#steps.keys());
    return result;
  }

  #track<T>(name: string, start: () => Promise<T>): Promise<T> {
    if (this.#timer === null) this.#wake();
    const promise = start();
    this.#steps.set(promise, name);
    const done = (): void => {
      this.#steps.delete(promise);
    };
    promise.then(done, done);
    return promise;
  }

  async #fail(error: unknown): Promise<unknown> {
    this.#failure ??= { error };
    while (this.#steps.size > 0) await Promise.allSettled(this.#steps.keys());
    return this.#failure.error;
  }

  #begin<T>(name: string, start: () => Promise<T>): Promise<T> {
    return this.#mayBegin(name) ? this.#track(name, start) : heldBack();
  }

  /** As on a server: behind a failure only what a step under way calls `NAME/...`. */
  #mayBegin(name: string): boolean {
    return this.#failure === null || [...this.#steps.values()].some((outer) => isPartOf(name, outer));
  }

  async #do<T>(name: string, fn: (context: StepContext) => T | Promise<T>): Promise<unknown> {
    this.signal.throwIfAborted();
    checkStepName(name, this.#used, "step");
    const value = await fn({ signal: this.signal, idempotencyKey: `${this.#runId}:${name}` });
    return readResult(storeResult(value, `step ${JSON.stringify(name)}`));
  }

  async #doGroup(name: string, fn: GroupFunction): Promise<unknown> {
    this.signal.throwIfAborted();
    if (!this.#mayBegin(name)) return await heldBack();
    checkStepName(name, this.#used, "step");
    const value = await fn({ idempotencyKey: `${this.#runId}:${name}` });
    return readResult(storeResult(value, `step ${JSON.stringify(name)}`));
  }

  async #sleep(name: string, duration: Duration): Promise<void> {
    this.signal.throwIfAborted();
    if (!this.#mayBegin(name)) return await heldBack();
    checkStepName(name, this.#used, "sleep");
    const ms = parseDuration(duration, `duration of sleep ${JSON.stringify(name)}`);
    await new Promise<void>((resolve) => {
      const sleep = setLongTimer(
        this.#clock,
        () => {
          this.#sleeps.delete(sleep);
          // On a server a new attempt begins here, with its timeout before it.
          this.#wake();
          resolve();
        },
        ms,
      );
      this.#sleeps.add(sleep);
    });
  }

  /** The timeout begins anew. */
  #wake(): void {
    this.#timer?.clear();
    this.#timer = setLongTimer(this.#clock, () => this.#timeOut(), this.#timeoutMs);
  }

  #timeOut(): void {
    this.#timer = null;
    // Where only sleeps are left this was time asleep, and what comes next begins anew.
    if (this.#sleeps.size > 0 && this.#steps.size === 0) return;
    const message = `Cannot finish the workflow within its timeout of ${this.#timeoutMs} ms`;
    this.#controller.abort(
      this.#failure === null ? new WebhookError("timed_out", message) : this.#failure.error,
    );
  }
}

/** Behind a failure nobody waits for it, and the attempt ends without it. */
function heldBack(): Promise<never> {
  return new Promise(() => {});
}
