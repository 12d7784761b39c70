import type { Clock } from "../clock.ts";

/** Other processes add runs and take them, so what was counted is believed no longer than this. */
const BELIEVED_MS = 1_000;

/** While there are too many, each look walks all of them. */
const RECOUNT_MS = 20;

/** What counting needs. */
export interface ReadyRunsGivens {
  clock: Clock;
  /** Runs that may wait for a slot; one more is too many. */
  max: number;
  /** How many do, of the workflows that are here: `limit` at most. */
  count(limit: number): Promise<number>;
}

/**
 * How many runs wait for a slot. Counted in the database as seldom as will do, because that walks them; in between what
 * this process adds is added. Among several processes it is right to what the others accept in a second.
 */
export class ReadyRuns {
  readonly #givens: ReadyRunsGivens;
  #countedAt = Number.NEGATIVE_INFINITY;
  #counting: Promise<void> | null = null;
  /** Counted then, and those that were queued here since. */
  #known = 0;
  /** Of deliveries that are being stored. */
  #reserved = 0;

  constructor(givens: ReadyRunsGivens) {
    this.#givens = givens;
  }

  /** Makes room for `runs` that are about to be stored, to be settled then; false, and nothing to settle, where there is none. */
  async reserve(runs: number): Promise<boolean> {
    const { max, clock } = this.#givens;
    const isFull = (): boolean => this.#known + this.#reserved + runs > max;
    const age = clock.monotonic() - this.#countedAt;
    if (age >= BELIEVED_MS || (age >= RECOUNT_MS && isFull())) this.#counting ??= this.#count();
    if (this.#counting !== null) await this.#counting;
    if (isFull()) return false;
    this.#reserved += runs;
    return true;
  }

  /** @param queued how many of the reserved ones wait now */
  settle(reserved: number, queued: number): void {
    this.#reserved -= reserved;
    this.#known += queued;
  }

  async #count(): Promise<void> {
    const { max, clock, count } = this.#givens;
    try {
      this.#known = await count(max + 1);
      this.#countedAt = clock.monotonic();
    } finally {
      this.#counting = null;
    }
  }
}
