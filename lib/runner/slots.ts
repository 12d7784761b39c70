/** How many runs may be under way in this process, and who has the slots. */
export class RunSlots {
  readonly #concurrency: number;
  readonly #active: () => number;
  /** Of runs that are being stored, or that are stored and begin with the next turns. */
  #reserved = 0;
  /** Of a claim under way. */
  #asked = 0;
  #isBacklogged = true;

  /** @param active how many runs are under way */
  constructor(concurrency: number, active: () => number) {
    this.#concurrency = concurrency;
    this.#active = active;
  }

  /** True where ready runs may wait for a slot: the last claim took all that it could, or there has been none. */
  get isBacklogged(): boolean {
    return this.#isBacklogged;
  }

  get reserved(): number {
    return this.#reserved;
  }

  /** Takes one for a run that is about to be stored; false where none is free, or where others have waited longer. */
  reserve(): boolean {
    if (this.#isBacklogged || this.#free <= this.#asked) return false;
    this.#reserved++;
    return true;
  }

  /** So many reserved ones are free again, or their runs are under way. */
  release(count: number): void {
    this.#reserved -= count;
  }

  /**
   * How many runs a claim may take now. Of slots that nobody waits for, half is left to runs that are being stored
   * meanwhile. With 0 it need not be sent: a slot that becomes free is what a run may wait for.
   */
  ask(): number {
    this.#asked = this.#isBacklogged ? this.#free : Math.ceil(this.#free / 2);
    if (this.#asked <= 0) this.#isBacklogged = true;
    return Math.max(0, this.#asked);
  }

  /** @param taken how many the claim took; null where it failed */
  answer(taken: number | null): void {
    if (taken !== null) this.#isBacklogged = taken >= this.#asked;
    this.#asked = 0;
  }

  get #free(): number {
    return this.#concurrency - this.#active() - this.#reserved;
  }
}
