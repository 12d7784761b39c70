import { AsyncLocalStorage } from "node:async_hooks";

/** Who answers for code that runs: the attempt that started it, however indirectly. */
export interface Chargeable {
  /** Ends the attempt with this error. */
  charge(error: unknown): void;
}

const current = new AsyncLocalStorage<Chargeable>();

/** Runs `fn` so that errors which nobody catches, in its timers too, are charged to `attempt`. */
export function runCharged<T>(attempt: Chargeable, fn: () => T): T {
  return current.run(attempt, fn);
}

/** Runs `fn` so that errors which nobody catches in it are charged as what `told` makes of them. */
export function withTold<T>(told: (error: unknown) => unknown, fn: () => T): T {
  const outer = current.getStore();
  return outer === undefined ? fn() : current.run({ charge: (error) => outer.charge(told(error)) }, fn);
}

/**
 * Charges an uncaught error to the attempt whose code threw it. To be called from the process's handlers.
 *
 * @returns false where it came from no attempt, or from a runtime that does not say: Bun for rejections, Deno for timers
 */
export function chargeStray(error: unknown): boolean {
  const attempt = current.getStore();
  attempt?.charge(error);
  return attempt !== undefined;
}
