import type { Clock } from "../clock.ts";
import type { Rate } from "../rate.ts";

/**
 * Holds a stream to a rate: as many as `rate.count` at once, then one each time that its share of the time is over.
 * One number is all that it remembers, and the clock never goes back.
 *
 * @see https://en.wikipedia.org/wiki/Generic_cell_rate_algorithm
 */
export class RateLimit {
  readonly #clock: Clock;
  readonly #intervalMs: number;
  readonly #burstMs: number;
  /** When the last of those that were let through would have come, had they kept to the rate. */
  #theoretical = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock, { count, perMs }: Rate) {
    this.#clock = clock;
    this.#intervalMs = perMs / count;
    this.#burstMs = perMs - this.#intervalMs;
  }

  /** Lets one through: 0. Else the milliseconds until the next may come, and nothing is counted. */
  take(): number {
    const now = this.#clock.monotonic();
    const due = Math.max(this.#theoretical, now);
    const waitMs = due - now - this.#burstMs;
    if (waitMs > 0) return waitMs;
    this.#theoretical = due + this.#intervalMs;
    return 0;
  }
}
