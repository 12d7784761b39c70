/**
 * The time as the house sees it, injected so that tests and replayed seeds agree.
 *
 * @experimental
 */
export interface Clock {
  /** Wall time in epoch milliseconds. It may jump; what is stored and shown uses it. */
  now(): number;
  /** Milliseconds that never go back; leases and time-outs use them. */
  monotonic(): number;
  /** Calls `fn` once after `ms` milliseconds. Callers ask for `TIMER_MAX_MS` at most and look at the clock again. */
  setTimer(fn: () => void, ms: number): Timer;
}

/** A timer that has not fired yet. */
export interface Timer {
  clear(): void;
}

/**
 * The longest timer that anyone sets, in milliseconds. `setTimeout` fires at once above 24.8 days, and a
 * sleeping laptop or a wall clock that was set shifts long timers by hours.
 */
export const TIMER_MAX_MS = 60_000;

/** The machine's own clocks. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  setTimer(fn, ms) {
    const timer = setTimeout(fn, Math.min(ms, TIMER_MAX_MS));
    return { clear: () => clearTimeout(timer) };
  },
};

/**
 * Calls `fn` once when `ms` milliseconds of monotonic time have passed, in hops of `TIMER_MAX_MS`.
 *
 * @param ms any length, also above what one timer may take
 */
export function setLongTimer(clock: Clock, fn: () => void, ms: number): Timer {
  const dueAt = clock.monotonic() + ms;
  let timer = clock.setTimer(hop, Math.min(ms, TIMER_MAX_MS));
  function hop(): void {
    const left = dueAt - clock.monotonic();
    if (left <= 0) fn();
    else timer = clock.setTimer(hop, Math.min(left, TIMER_MAX_MS));
  }
  return { clear: () => timer.clear() };
}

/** Resolves after `ms` milliseconds of the given clock. */
export function pause(clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => void setLongTimer(clock, resolve, ms));
}

let turn: Promise<void> | null = null;

/**
 * Resolves after the event loop has looked for input once: what has arrived by now is read by then. All who wait in one
 * turn wait for the same promise.
 */
export function nextTurn(): Promise<void> {
  turn ??= new Promise((resolve) => {
    setImmediate(() => {
      turn = null;
      resolve();
    });
  });
  return turn;
}
