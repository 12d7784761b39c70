import { type Clock, pause } from "../clock.ts";
import { messageOf, WebhookError } from "../errors.ts";
import type { Log } from "../log.ts";

/** The longest pause between two tries, in milliseconds. */
const PAUSE_MAX_MS = 2_000;

/** The process stops or may not write any more: what was to be stored is left to whoever resumes the run. */
export class AbandonedError extends Error {
  override name = "AbandonedError";
}

/**
 * Keeps the runner's commands until they commit: a storage error is never a workflow's outcome.
 */
export class Persist {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #random: () => number;
  readonly #firstPauseMs: number;
  #isStopped = false;

  constructor(givens: { clock: Clock; log: Log; random: () => number }, firstPauseMs: number) {
    this.#clock = givens.clock;
    this.#log = givens.log;
    this.#random = givens.random;
    this.#firstPauseMs = firstPauseMs;
  }

  /** Nothing is tried again from here on. */
  stop(): void {
    this.#isStopped = true;
  }

  /**
   * Asks until the storage answers.
   *
   * @param action names it in the log
   * @throws {AbandonedError} the process stops first
   */
  async until<T>(action: string, command: () => Promise<T>): Promise<T> {
    for (let pauseMs = this.#firstPauseMs; ; pauseMs = Math.min(pauseMs * 2, PAUSE_MAX_MS)) {
      try {
        return await command();
      } catch (error) {
        const isTransient = error instanceof WebhookError && error.code === "storage_unavailable";
        if (!isTransient || this.#isStopped)
          throw new AbandonedError(`Cannot ${action}: ${messageOf(error)}`, { cause: error });
        this.#log.error("storage refuses, trying again", { action, error });
        await pause(this.#clock, pauseMs * (0.5 + this.#random() / 2));
        if (this.#isStopped)
          throw new AbandonedError(`Cannot ${action}: the process stops`, { cause: error });
      }
    }
  }
}
