/** Numbers that are the same for the same seed (mulberry32), and choices made by them. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 0;
  }

  /** In [0, 1). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
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
