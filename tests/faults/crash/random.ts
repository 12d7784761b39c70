import { randomOf } from "../../support/random.ts";

/** Numbers that a seed decides, and choices made by them. */
export class Random {
  /** In [0, 1). */
  readonly next: () => number;

  constructor(...seeds: readonly number[]) {
    let state = 0;
    // Each seed is mixed in after a step, so that (1, 2) and (2, 1) are far from each other.
    for (const seed of seeds) state = (randomOf((state ^ seed) | 0)() * 2 ** 32) | 0;
    this.next = randomOf(state);
  }

  /** A whole number from `min` to `max`, both included. */
  int(min: number, max: number): number {
    return min + Math.floor(this.next() * (max - min + 1));
  }

  /** True with the probability. */
  chance(probability: number): boolean {
    return this.next() < probability;
  }

  /** One of the names, each as likely as its weight says. */
  weighted<T extends string>(weights: Readonly<Record<T, number>>): T {
    const names = Object.keys(weights) as T[];
    let left = this.next() * names.reduce((sum, name) => sum + weights[name], 0);
    for (const name of names) {
      left -= weights[name];
      if (left < 0) return name;
    }
    throw new RangeError("Cannot choose among no names");
  }
}
