import type { Clock } from "../clock.ts";
import { setLongTimer } from "../clock.ts";
import type { RunRecord, Storage } from "../repositories.ts";
import { isAtRest } from "../run.ts";

/** Callers that wait for a result at once; one more is answered without waiting. */
const WAITERS_MAX = 1_000;

/** Requests that hold on until a run is at rest (`Prefer: wait`). */
export class Waiters {
  readonly #storage: Storage;
  readonly #clock: Clock;
  readonly #waiting = new Map<string, Set<() => void>>();
  #count = 0;
  #isStopped = false;

  constructor(storage: Storage, clock: Clock) {
    this.#storage = storage;
    this.#clock = clock;
  }

  get count(): number {
    return this.#count;
  }

  /** True where one more may wait. */
  get hasRoom(): boolean {
    return !this.#isStopped && this.#count < WAITERS_MAX;
  }

  /**
   * The run once it is at rest, or as it is when `ms` milliseconds are over or the process stops.
   *
   * @returns null for an unknown run
   */
  async wait(runId: string, ms: number, signal: AbortSignal): Promise<RunRecord | null> {
    const deadline = this.#clock.monotonic() + ms;
    for (;;) {
      // Registered before the look, or an end between the two would be missed.
      const changed = this.#nextChange(runId, deadline - this.#clock.monotonic(), signal);
      const run = await this.#storage.getRun(runId);
      const isOver = this.#isStopped || signal.aborted || this.#clock.monotonic() >= deadline;
      if (run === null || isAtRest(run.status) || isOver) {
        changed.cancel();
        return run;
      }
      await changed.promise;
    }
  }

  /** The run may be at rest. */
  notify(runId: string): void {
    for (const wake of this.#waiting.get(runId) ?? []) wake();
  }

  /** Any run may be: another process has written. */
  notifyAll(): void {
    for (const runId of this.#waiting.keys()) this.notify(runId);
  }

  /** Everybody is answered with what there is. */
  stop(): void {
    this.#isStopped = true;
    this.notifyAll();
  }

  #nextChange(
    runId: string,
    ms: number,
    signal: AbortSignal,
  ): { promise: Promise<void>; cancel: () => void } {
    let cancel = (): void => {};
    const promise = new Promise<void>((resolve) => {
      const group = this.#waiting.get(runId) ?? new Set();
      this.#waiting.set(runId, group);
      this.#count++;
      cancel = () => {
        if (!group.delete(cancel)) return;
        this.#count--;
        if (group.size === 0) this.#waiting.delete(runId);
        timer.clear();
        signal.removeEventListener("abort", cancel);
        resolve();
      };
      const timer = setLongTimer(this.#clock, cancel, Math.max(0, ms));
      group.add(cancel);
      signal.addEventListener("abort", cancel);
    });
    return { promise, cancel };
  }
}
