import { type Clock, TIMER_MAX_MS, type Timer } from "../clock.ts";
import { type Duration, parseDuration } from "../duration.ts";
import type { NewStep, StepRecord } from "../repositories.ts";
import type { StepKind } from "../run.ts";
import { type GroupFunction, type GroupStep, withHooks } from "../step-hooks.ts";
import { checkStepName, isPartOf } from "../step-names.ts";
import { readResult, storeResult } from "../stored-result.ts";
import type { Step, StepContext } from "../workflow.ts";
import { FatalError } from "../workflow-errors.ts";

/** What the steps of one attempt need from it. */
export interface StepsHost {
  readonly runId: string;
  readonly signal: AbortSignal;
  /** What `signal` is aborted with, without making one; null while it is not. */
  readonly abortReason: DOMException | null;
  readonly clock: Clock;
  /** Steps that earlier attempts stored. */
  readonly stored: readonly StepRecord[];
  /** Makes sure that the run is still this attempt's; false when it is not. */
  ensureLease(): boolean | Promise<boolean>;
  /** Stores a step; false when the run is no longer this attempt's. */
  store(step: NewStep): Promise<boolean>;
  /** The run belongs to another attempt now: aborts. */
  lose(): void;
  /** A step's effect is done and its result cannot be kept: the run ends. */
  charge(error: unknown): void;
  /** The attempt fails with this as soon as what runs beside it has ended, or its time is over. */
  foresee(error: unknown): void;
  /** Every outstanding step is a sleep. */
  sleepUntil(dueAt: number): void;
}

/**
 * Steps of an attempt that is over, that are refused; more are never answered. Code that tries again for ever would
 * leave the process no turn for anything else.
 */
const REFUSALS_MAX = 1_000;

interface Sleep {
  dueAt: number;
  timer: Timer;
}

/**
 * The steps and sleeps of one attempt: remembers what earlier attempts finished, stores what this one finishes, and
 * notices when nothing is left to do but wait.
 */
export class Steps {
  readonly #host: StepsHost;
  readonly #stored: ReadonlyMap<string, StepRecord>;
  readonly #used = new Map<string, StepKind>();
  /** Steps and sleeps that have begun, with their names. */
  readonly #underWay = new Map<Promise<unknown>, string>();
  readonly #sleeps = new Map<string, Sleep>();
  /** Groups under way, by name: while one of them does not sleep itself, nobody does. */
  readonly #groups = new Map<string, Promise<unknown>>();
  /** Counts calls and ends, so that a turn in which something happened is not taken for silence. */
  #activity = 0;
  #state: "open" | "returned" | "closed" | "parked" = "open";
  #failure: { error: unknown } | null = null;
  /** Why nothing begins any more, and only what has begun is waited for. */
  #failing: { error: unknown } | null = null;
  #refusals = 0;
  /** Ends what a failure has held back. */
  readonly #onClose: (() => void)[] = [];

  constructor(host: StepsHost) {
    this.#host = host;
    this.#stored = new Map(host.stored.map((step) => [step.name, step]));
  }

  /** The function that the workflow is given. */
  readonly step: Step = withHooks(
    Object.assign(
      <T>(name: string, fn: (context: StepContext) => T | Promise<T>) =>
        this.#begin(name, () => this.#do(name, fn)),
      {
        sleep: (name: string, duration: Duration) =>
          // It settles when the sleep is over and the attempt still awake; else it never does, and nothing is thrown.
          new Promise<void>((wake, fail) => {
            this.#begin(name, () => this.#beginSleep(name, duration, wake)).catch(fail);
          }),
      },
    ) as Step,
    {
      group: ((name: string, fn: GroupFunction) => this.#doGroup(name, fn)) as GroupStep,
      fail: (error) => this.#fail(error),
    },
  );

  /**
   * `run` has returned: its sleeps are dropped, and the steps that it left under way are waited for.
   *
   * @throws what the first of them threw, since nobody else will see it
   */
  async finish(): Promise<void> {
    this.#state = "returned";
    this.#dropSleeps();
    while (this.#underWay.size > 0) await Promise.allSettled(this.#underWay.keys());
    if (this.#failure !== null) throw this.#failure.error;
  }

  /** No step starts any more; resolves when those under way have finished and are stored, and groups have ended. */
  async close(): Promise<void> {
    // One that sleeps does not wake up any more.
    const groups = this.#state === "parked" ? [] : this.#groupsAwake();
    if (this.#state !== "parked") this.#state = "closed";
    this.#dropSleeps();
    for (const end of this.#onClose.splice(0)) end();
    await Promise.allSettled(groups);
    while (this.#underWay.size > 0) await Promise.allSettled(this.#underWay.keys());
  }

  async #fail(error: unknown): Promise<unknown> {
    this.#failing ??= { error };
    this.#host.foresee(this.#failing.error);
    while (this.#underWay.size > 0) await Promise.allSettled(this.#underWay.keys());
    return this.#failing.error;
  }

  #begin<T>(name: string, start: () => Promise<T>): Promise<T> {
    return this.#mayBegin(name) ? this.#track(name, start) : this.#heldBack();
  }

  /** Also behind a failure a step under way may take steps of its own, to be remembered whole. */
  #mayBegin(name: string): boolean {
    return this.#failing === null || [...this.#underWay.values()].some((outer) => isPartOf(name, outer));
  }

  /** Settles with the attempt: code that goes on from a refusal would be remembered as if its step had been tried. */
  #heldBack(): Promise<never> {
    return new Promise((_resolve, reject) => {
      if (this.#state !== "closed") this.#onClose.push(() => reject(this.#host.abortReason));
      else if (this.#refusals++ < REFUSALS_MAX) reject(this.#host.abortReason);
    });
  }

  #track<T>(name: string, start: () => Promise<T>): Promise<T> {
    this.#activity++;
    if (this.#state === "parked") return new Promise(() => {});
    if (this.#state === "closed") return this.#heldBack();
    const promise = start();
    this.#underWay.set(promise, name);
    const done = (): void => {
      this.#underWay.delete(promise);
      this.#activity++;
      this.#lookForSilence();
    };
    promise.then(done, (error: unknown) => {
      // After `run` returned nobody awaits this step, so its failure is the attempt's.
      if (this.#state === "returned") this.#failure ??= { error };
      done();
    });
    return promise;
  }

  async #do<T>(name: string, fn: (context: StepContext) => T | Promise<T>): Promise<never> {
    checkStepName(name, this.#used, "step");
    if (typeof fn !== "function")
      throw new FatalError(`Cannot run step ${JSON.stringify(name)} without a function`);
    const stored = this.#recall(name, "step");
    if (stored !== undefined) return readResult(stored.result) as never;
    const isOurs = this.#host.ensureLease();
    // Not awaited where it is known: each step would wait for a promise more.
    if (!(typeof isOurs === "boolean" ? isOurs : await isOurs)) this.#lose();
    const host = this.#host;
    if (host.abortReason !== null) throw host.abortReason;
    const value = await fn({
      get signal() {
        return host.signal;
      },
      idempotencyKey: this.#keyOf(name),
    });
    return await this.#remember(name, value);
  }

  /** The same in every attempt. */
  #keyOf(name: string): string {
    return `${this.#host.runId}:${name}`;
  }

  /** Stores what a step gave, and gives it as it will be read. */
  async #remember(name: string, value: unknown): Promise<never> {
    const result = this.#toResult(value, name);
    await this.#store({ name, kind: "step", result, dueAt: null, endedAt: this.#host.clock.now() });
    return readResult(result) as never;
  }

  /** Its own steps are tracked, it is not; what it returned is stored as a step. */
  async #doGroup(name: string, fn: GroupFunction): Promise<unknown> {
    if (this.#state === "parked") return new Promise(() => {});
    if (this.#state === "closed") throw this.#host.abortReason;
    if (!this.#mayBegin(name)) return await this.#heldBack();
    checkStepName(name, this.#used, "step");
    const stored = this.#recall(name, "step");
    if (stored !== undefined) return readResult(stored.result);
    const group = this.#runGroup(name, fn);
    // Before anything is waited for, so that nobody falls asleep meanwhile.
    this.#groups.set(name, group);
    try {
      return await group;
    } finally {
      this.#groups.delete(name);
      this.#activity++;
      this.#lookForSilence();
    }
  }

  async #runGroup(name: string, fn: GroupFunction): Promise<unknown> {
    // It may do work of its own outside of steps, which ask by themselves.
    if (!(await this.#host.ensureLease())) this.#lose();
    if (this.#host.abortReason !== null) throw this.#host.abortReason;
    const value = await fn({ idempotencyKey: this.#keyOf(name) });
    return await this.#track(name, () => this.#remember(name, value));
  }

  async #beginSleep(name: string, duration: Duration, wake: () => void): Promise<void> {
    checkStepName(name, this.#used, "sleep");
    const ms = parseDuration(duration, `the duration of sleep ${JSON.stringify(name)}`);
    const stored = this.#recall(name, "sleep");
    const dueAt = stored?.dueAt ?? this.#host.clock.now() + ms;
    if (stored === undefined) await this.#store({ name, kind: "sleep", result: null, dueAt, endedAt: null });
    if (dueAt <= this.#host.clock.now()) wake();
    else if (this.#state === "open") this.#fallAsleep(name, dueAt, wake);
  }

  /** Wakes in place where the attempt is still awake by then. The wall clock is read again at each hop. */
  #fallAsleep(name: string, dueAt: number, wake: () => void): void {
    const { clock } = this.#host;
    const look = (): void => {
      const leftMs = dueAt - clock.now();
      if (leftMs > 0) {
        this.#sleeps.set(name, { dueAt, timer: clock.setTimer(look, Math.min(leftMs, TIMER_MAX_MS)) });
        return;
      }
      this.#sleeps.delete(name);
      this.#activity++;
      wake();
      this.#lookForSilence();
    };
    look();
  }

  /** One turn of the event loop later, so that what follows a step that has just finished can start its next one. */
  #lookForSilence(): void {
    const seen = this.#activity;
    if (!this.#isSilent()) return;
    this.#host.clock.setTimer(() => {
      if (this.#activity === seen && this.#isSilent()) this.#park();
    }, 0);
  }

  #isSilent(): boolean {
    if (this.#state !== "open" || this.#failing !== null) return false;
    if (this.#underWay.size > 0 || this.#sleeps.size === 0) return false;
    return this.#groupsAwake().length === 0;
  }

  /** Groups in which nothing sleeps. */
  #groupsAwake(): Promise<unknown>[] {
    const names = [...this.#sleeps.keys()];
    const isAwake = (group: string): boolean => !names.some((name) => isPartOf(name, group));
    return [...this.#groups].flatMap(([name, group]) => (isAwake(name) ? [group] : []));
  }

  #park(): void {
    const dueAt = Math.min(...Array.from(this.#sleeps.values(), (sleep) => sleep.dueAt));
    if (dueAt <= this.#host.clock.now()) return; // its timer fires in this turn or the next
    this.#state = "parked";
    this.#dropSleeps();
    this.#host.sleepUntil(dueAt);
  }

  #dropSleeps(): void {
    for (const { timer } of this.#sleeps.values()) timer.clear();
    this.#sleeps.clear();
  }

  #recall(name: string, kind: StepKind): StepRecord | undefined {
    const stored = this.#stored.get(name);
    if (stored === undefined || stored.kind === kind) return stored;
    throw new FatalError(
      `Cannot use ${JSON.stringify(name)} as a ${kind}: this run has stored it as a ${stored.kind}; take another name`,
    );
  }

  #toResult(value: unknown, name: string): string | null {
    try {
      return storeResult(value, `step ${JSON.stringify(name)}`);
    } catch (error) {
      this.#host.charge(error);
      throw error;
    }
  }

  async #store(step: NewStep): Promise<void> {
    if (!(await this.#host.store(step))) this.#lose();
  }

  #lose(): never {
    this.#host.lose();
    throw this.#host.abortReason;
  }
}
