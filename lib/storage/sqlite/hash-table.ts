/** Slots at first, and of these so many in use at most: beyond, a lookup walks further and further. */
const FIRST_SLOTS = 1_024;
const FULL = 0.5;

/** No hash is negative, and no row's number. */
const NONE = -1;

/**
 * Row numbers by hash, several to one hash, in two plain arrays of numbers: a `Map` of a hundred thousand entries is
 * some ten megabytes of objects that the collector walks again and again.
 */
export class HashTable {
  #hashes: Float64Array<ArrayBuffer> = new Float64Array(FIRST_SLOTS).fill(NONE);
  #seqs: Float64Array<ArrayBuffer> = new Float64Array(FIRST_SLOTS).fill(NONE);
  #size = 0;

  /** Entries, the removed ones too. */
  get size(): number {
    return this.#size;
  }

  /** @param hash a whole number of at most 48 bits, random in its low ones */
  add(hash: number, seq: number): void {
    if (this.#size >= this.#hashes.length * FULL) this.#grow();
    this.#put(hash, seq);
    this.#size++;
  }

  /** Adds the row numbers of a hash to a list. */
  find(hash: number, found: number[]): void {
    const mask = this.#hashes.length - 1;
    for (let at = hash & mask; this.#hashes[at] !== NONE; at = (at + 1) & mask) {
      if (this.#hashes[at] !== hash) continue;
      const seq = this.#seqs[at];
      if (seq !== undefined && seq !== NONE) found.push(seq);
    }
  }

  remove(hash: number, seq: number): void {
    const mask = this.#hashes.length - 1;
    for (let at = hash & mask; this.#hashes[at] !== NONE; at = (at + 1) & mask) {
      // The hash stays, for those behind it are found by walking over it.
      if (this.#hashes[at] === hash && this.#seqs[at] === seq) this.#seqs[at] = NONE;
    }
  }

  /** All hashes in ascending order. */
  sortedHashes(): Float64Array<ArrayBuffer> {
    return this.#hashes.filter((hash) => hash !== NONE).sort();
  }

  #put(hash: number, seq: number): void {
    const mask = this.#hashes.length - 1;
    let at = hash & mask;
    while (this.#hashes[at] !== NONE) at = (at + 1) & mask;
    this.#hashes[at] = hash;
    this.#seqs[at] = seq;
  }

  #grow(): void {
    const [hashes, seqs] = [this.#hashes, this.#seqs];
    this.#hashes = new Float64Array(hashes.length * 2).fill(NONE);
    this.#seqs = new Float64Array(hashes.length * 2).fill(NONE);
    for (let at = 0; at < hashes.length; at++) {
      const hash = hashes[at];
      if (hash !== undefined && hash !== NONE) this.#put(hash, seqs[at] ?? NONE);
    }
  }
}
