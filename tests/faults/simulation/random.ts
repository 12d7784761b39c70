import { randomOf } from "../../support/random.ts";

/** Numbers that are the same for the same seed, and choices made by them. */
export class Random {
  /** In [0, 1). */
  readonly next: () => number;

  constructor(seed: number) {
    this.next = randomOf(seed | 0);
  }

  /** True once in so many times, for `chance` 0.1 every tenth. */
  chance(chance: number): boolean {
    return this.next() < chance;
  }

  /** A whole number, both ends included. */
  between(low: number, high: number): number {
    return low + Math.floor(this.next() * (high - low + 1));
  }

  pick<T>(from: readonly T[]): T {
    if (from.length === 0) throw new RangeError("Cannot pick from nothing");
    return from[this.between(0, from.length - 1)] as T;
  }

  /** A stream of its own: what is drawn from it shifts nothing here. */
  fork(): Random {
    return new Random(this.between(0, 2 ** 31 - 1));
  }
}
