import { type Clock, pause, setLongTimer } from "../clock.ts";
import type { Duration } from "../duration.ts";
import { messageOf } from "../errors.ts";
import { inputsOf, type WebhookEvent } from "../event.ts";
import { cutText } from "../json.ts";
import { type Log, withFields } from "../log.ts";
import { parseStoredBody } from "../parse-body.ts";
import type { ClaimedRun, NewStep, StoredEvent } from "../repositories.ts";
import { ERROR_BYTES_MAX, type RunError } from "../run.ts";
import { storeResult } from "../stored-result.ts";
import { type Chargeable, runCharged } from "../stray.ts";
import type { NamedWorkflow, RunContext } from "../workflow.ts";
import { isFatalError, isRetryError } from "../workflow-errors.ts";
import { validateInput } from "../workflows/validate.ts";
import { Steps, type StepsHost } from "./steps.ts";

/** How one try ended. */
export type Outcome =
  | { kind: "succeeded"; result: string | null }
  | { kind: "failed"; error: RunError; isFinal: boolean; retryAfter: Duration | Date | null }
  | { kind: "timed_out"; error: RunError }
  | { kind: "slept"; dueAt: number }
  | { kind: "interrupted" }
  | { kind: "lost" };

/** What an attempt needs; it knows nothing of who dispatched it. */
export interface AttemptGivens {
  clock: Clock;
  log: Log;
  /** How long an ended attempt waits for what is under way, in milliseconds. */
  drainMs: number;
  ensureLease(): boolean | Promise<boolean>;
  /** Stores a step; false when the run is no longer this attempt's. */
  store(step: NewStep): Promise<boolean>;
}

/** One try of a run: its time-out, its signal, and how it ended. */
export class Attempt implements Chargeable, StepsHost {
  readonly run: ClaimedRun;
  readonly #named: NamedWorkflow;
  readonly #givens: AttemptGivens;
  /** Made when somebody asks for the signal: most workflows do not, and it costs as much as a row. */
  #aborter: AbortController | null = null;
  #abortReason: DOMException | null = null;
  #isLost = false;
  #ownLog: Log | null = null;
  /** Made when the workflow asks for its steps. */
  #steps: Steps | null = null;
  /** How it ends where its time runs out while only what runs beside a failure is waited for. */
  #foreseen: Failed | null = null;
  readonly #decided: Promise<Outcome>;
  #decide: (outcome: Outcome) => void = () => {};
  #drainMs: number;

  constructor(named: NamedWorkflow, run: ClaimedRun, givens: AttemptGivens) {
    this.run = run;
    this.#named = named;
    this.#givens = givens;
    this.#drainMs = givens.drainMs;
    this.#decided = new Promise((resolve) => {
      this.#decide = resolve;
    });
  }

  get runId(): string {
    return this.run.runId;
  }

  get signal(): AbortSignal {
    this.#aborter ??= new AbortController();
    if (this.#abortReason !== null) this.#aborter.abort(this.#abortReason);
    return this.#aborter.signal;
  }

  get abortReason(): DOMException | null {
    return this.#abortReason;
  }

  get clock(): Clock {
    return this.#givens.clock;
  }

  get stored(): ClaimedRun["steps"] {
    return this.run.steps;
  }

  ensureLease(): boolean | Promise<boolean> {
    return this.#givens.ensureLease();
  }

  store(step: NewStep): Promise<boolean> {
    return this.#givens.store(step);
  }

  sleepUntil(dueAt: number): void {
    this.#decide({ kind: "slept", dueAt });
  }

  /**
   * Runs the workflow to this attempt's end. Never rejects.
   *
   * @returns the outcome, and what of it hangs beyond the wait: resolved later, or null where nothing does
   */
  async execute(): Promise<{ outcome: Outcome; hanging: Promise<void> | null }> {
    const isOurs = this.ensureLease();
    // The process stood still since the claim: not a line runs here before it is known whose the run is. Where the lease
    // is sure nothing is awaited.
    if (isOurs !== true) {
      const early = await Promise.race([isOurs, this.#decided]);
      if (early !== true) return { outcome: early === false ? { kind: "lost" } : early, hanging: null };
    }
    const { timeoutMs } = this.#named.workflow;
    const timer = setLongTimer(this.#givens.clock, () => this.#timeOut(timeoutMs), timeoutMs);
    const settled = runCharged(this, () => this.#runWorkflow()).then(
      (result) => this.#decide({ kind: "succeeded", result }),
      (error: unknown) => this.charge(error),
    );
    const outcome = await this.#decided;
    timer.clear();
    if (outcome.kind === "succeeded" || outcome.kind === "slept") return { outcome, hanging: null };
    this.#abort(describe(outcome));
    let isQuiet = false;
    const quiet = Promise.all([settled, this.#ownSteps().close()]).then(() => {
      isQuiet = true;
    });
    await Promise.race([quiet, pause(this.#givens.clock, this.#drainMs)]);
    return { outcome, hanging: isQuiet ? null : quiet };
  }

  /** An error that nobody caught, in a timer or a forgotten promise. */
  charge(error: unknown): void {
    this.#log.debug("attempt threw", { error });
    const outcome = failed(error);
    // What comes behind a failure does not take its place, unless it ends the run.
    const { isFinal = false } = this.#foreseen ?? {};
    this.#decide(this.#foreseen === null || (outcome.isFinal && !isFinal) ? outcome : this.#foreseen);
  }

  foresee(error: unknown): void {
    this.#foreseen ??= failed(error);
  }

  /** True once the run is another attempt's, or cancelled. */
  get isLost(): boolean {
    return this.#isLost;
  }

  /** Ends it without a trace: what it still does is stored nowhere. */
  lose(): void {
    this.#isLost = true;
    this.#decide({ kind: "lost" });
    this.#abort("Cannot go on: the run is no longer this attempt's");
  }

  /** The process stops: the run goes back, and what settles within `drainMs` is stored. */
  interrupt(drainMs: number): void {
    this.#drainMs = drainMs;
    this.#decide({ kind: "interrupted" });
  }

  /** Made once somebody logs. */
  get #log(): Log {
    const { runId, fence } = this.run;
    this.#ownLog ??= withFields(this.#givens.log, { run_id: runId, fence, workflow_name: this.#named.name });
    return this.#ownLog;
  }

  /** Of an attempt that is over they start nothing any more, also where they are asked for only then. */
  #ownSteps(): Steps {
    this.#steps ??= new Steps(this);
    return this.#steps;
  }

  #abort(message: string): void {
    this.#abortReason ??= new DOMException(message, "AbortError");
    this.#aborter?.abort(this.#abortReason);
  }

  #timeOut(timeoutMs: number): void {
    const message = `Attempt ended after ${timeoutMs} ms awake, its workflow's timeout`;
    this.#decide(this.#foreseen ?? { kind: "timed_out", error: { code: "timed_out", message } });
  }

  async #runWorkflow(): Promise<string | null> {
    const { name, workflow } = this.#named;
    const { run } = this;
    const event = toEvent(run.event);
    const validation = await validateInput(workflow, inputsOf(event.provider, event.body), event);
    if ("faults" in validation) {
      const faults = validation.faults.map((fault) => `${fault.pointer}: ${fault.detail}`).join("; ");
      this.#decide(ended("input_invalid", `The inputs do not fit workflow ${name}: ${faults}`));
      return null;
    }
    const attempt = this;
    const context: RunContext<unknown> = {
      input: validation.value,
      event,
      get step() {
        return attempt.#ownSteps().step;
      },
      get signal() {
        return attempt.signal;
      },
      get log() {
        return attempt.#log;
      },
      runId: run.runId,
      attempt: run.failures + 1,
    };
    const value = await workflow.run(context);
    if (this.#steps !== null) await this.#steps.finish();
    return storeResult(value, `the result of workflow ${name}`);
  }
}

/** The event as it was sent, rebuilt from what is stored. */
export function toEvent(stored: StoredEvent): WebhookEvent {
  const { id, provider, webhookId, type, acceptedAt } = stored;
  const body = parseStoredBody(stored.body, stored.contentType);
  let headers: Headers | null = null;
  return {
    id,
    provider,
    webhookId,
    type,
    // Made when they are read, for most workflows read none.
    get headers() {
      headers ??= new Headers({ ...stored.headers });
      return headers;
    },
    body,
    acceptedAt,
  };
}

type Failed = Extract<Outcome, { kind: "failed" }>;

/** Never throws: where to look at an error throws, nothing else would end the attempt. */
function failed(error: unknown): Failed {
  const isFinal = isFatalError(error);
  let code = isFinal ? "fatal" : "error";
  let retryAfter: Duration | Date | null = null;
  try {
    const own: unknown = isFinal ? Reflect.get(error, "code") : undefined;
    if (typeof own === "string") code = own;
    if (isRetryError(error)) retryAfter = error.after;
  } catch {
    // Its getters throw, so it says neither.
  }
  const message = cutText(messageOf(error), ERROR_BYTES_MAX);
  return { kind: "failed", error: { code, message }, isFinal, retryAfter };
}

function ended(code: string, message: string): Outcome {
  const error = { code, message: cutText(message, ERROR_BYTES_MAX) };
  return { kind: "failed", error, isFinal: true, retryAfter: null };
}

function describe(outcome: Outcome): string {
  switch (outcome.kind) {
    case "failed":
    case "timed_out":
      return outcome.error.message;
    case "interrupted":
      return "Cannot go on: the process stops";
    default:
      return "Cannot go on: the run is no longer this attempt's";
  }
}
