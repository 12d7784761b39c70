import { type Clock, TIMER_MAX_MS, type Timer } from "../../lib/clock.ts";

/**
 * Turns of the real event loop after each fired timer. A promise chain needs none, a group commit one, and a stream or
 * a hash of the thread pool a few; what takes longer is waited for with `until`.
 */
const SETTLE_TURNS = 8;

interface ManualTimer {
  fn: () => void;
  dueAt: number;
}

/** A clock that stands still until the test moves it, so that hours pass in a millisecond and always the same way. */
export class ManualClock implements Clock {
  #wallMs = Date.UTC(2026, 0, 1);
  #monotonicMs = 0;
  /** In the order in which they were set, which decides between two that are due at the same instant. */
  readonly #timers = new Set<ManualTimer>();
  #isAdvancing = false;

  now(): number {
    return this.#wallMs;
  }

  monotonic(): number {
    return this.#monotonicMs;
  }

  /** How many timers are set and have not fired. */
  get pending(): number {
    return this.#timers.size;
  }

  /** A timer of 0 ms only yields to the event loop, so it fires by itself; the system's cut at `TIMER_MAX_MS` holds here too. */
  setTimer(fn: () => void, ms: number): Timer {
    const timer = { fn, dueAt: this.#monotonicMs + Math.min(Math.max(ms, 0), TIMER_MAX_MS) };
    this.#timers.add(timer);
    if (timer.dueAt === this.#monotonicMs) setImmediate(() => this.#fire(timer));
    return { clear: () => void this.#timers.delete(timer) };
  }

  /**
   * Moves both clocks on and fires what comes due, in order, each at its own instant. Real work that a timer started
   * (commits, promises) gets some turns of the event loop before time goes on.
   *
   * @param ms 0 only lets what is under way settle
   * @throws {Error} an earlier advance was not awaited
   */
  async advance(ms: number): Promise<void> {
    if (this.#isAdvancing) throw new Error("Cannot advance the clock twice at once: await the first advance");
    this.#isAdvancing = true;
    try {
      const end = this.#monotonicMs + ms;
      await settle();
      for (let timer = this.#next(end); timer !== undefined; timer = this.#next(end)) {
        this.#move(Math.max(0, timer.dueAt - this.#monotonicMs)); // after a block it is late
        this.#fire(timer);
        await settle();
      }
      this.#move(Math.max(0, end - this.#monotonicMs));
    } finally {
      this.#isAdvancing = false;
    }
  }

  /** Moves the wall clock alone, back too: someone set it, or the machine slept. */
  jumpWall(ms: number): void {
    this.#wallMs += ms;
  }

  /** Time passes and no timer fires in between: the event loop was blocked. */
  block(ms: number): void {
    this.#move(ms);
  }

  #move(ms: number): void {
    this.#wallMs += ms;
    this.#monotonicMs += ms;
  }

  #fire(timer: ManualTimer): void {
    if (this.#timers.delete(timer)) timer.fn();
  }

  #next(end: number): ManualTimer | undefined {
    let next: ManualTimer | undefined;
    for (const timer of this.#timers) {
      if (timer.dueAt <= end && (next === undefined || timer.dueAt < next.dueAt)) next = timer;
    }
    return next;
  }
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < SETTLE_TURNS; turn++) await new Promise((resolve) => setImmediate(resolve));
}
