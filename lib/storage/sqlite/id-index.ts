import type { Database, Row, Statement } from "./driver.ts";
import { HashTable } from "./hash-table.ts";

/** Ids that are collected before they are moved: the more, the more of them share a page of the index. */
const COLLECTED_IDS = 131_072;

/** Ids moved for each new one, so that one lot is moved before the next is full. */
const MOVES_PER_ID = 2;

/** Rows of moved ids deleted for each new one; to delete a row in order costs little. */
const DELETES_PER_ID = 16;

/**
 * Which events may have an id, by its hash.
 *
 * A hash is random, so in one big index each new id writes a page of its own to the log and back, which costs more than
 * its event. So new ids go to a table in the order in which they come, and are known by a table in memory. When there
 * are enough of them they are moved to the big index in the order of their hashes, a few with each batch, and then many
 * share a page.
 *
 * The file has all of it and memory is a copy: `recent_ids` holds what is not moved yet, `id_hashes` what is, and
 * `id_moves` how far the moving is. Whoever finds that another process has written reads what is new. An entry may stand
 * in both or belong to no event any more, so what is found is only where to look.
 */
export class IdIndex {
  readonly #collectedMax: number;
  readonly #dataVersion: Statement;
  readonly #state: Statement;
  readonly #setState: Statement;
  readonly #between: Statement;
  readonly #insertRecent: Statement;
  readonly #moved: Statement;
  readonly #move: Statement;
  readonly #deleteMoved: Statement;
  readonly #deleteRecent: Statement;
  #collected: HashTable = new HashTable();
  #moving: Lot | null = null;
  /** Of `recent_ids`, up to which row a lot is or was moved, and the last one that memory knows. */
  #lotEnd = 0;
  #seen = 0;
  #seenBefore = 0;
  #added = 0;
  #hasRemoved = false;
  #isLoaded = false;
  /** Changes with each commit of another connection. */
  #version: unknown = null;
  #isStale = true;

  /** @param collectedMax fewer in tests only */
  constructor(db: Database, collectedMax: number = COLLECTED_IDS) {
    this.#collectedMax = collectedMax;
    this.#dataVersion = db.prepare("PRAGMA data_version");
    this.#state = db.prepare("SELECT lot_end, moved_to FROM id_moves WHERE id = 1");
    this.#setState = db.prepare("UPDATE id_moves SET lot_end = ?, moved_to = ? WHERE id = 1");
    // As two texts, for an object a row would make a restart wait three times as long.
    this.#between = db.prepare(`
      SELECT max(n) AS last, json_group_array(hash) AS hashes, json_group_array(seq) AS seqs
      FROM recent_ids WHERE n > ? AND n <= ?`);
    this.#insertRecent = db.prepare("INSERT INTO recent_ids (hash, seq) VALUES (?, ?)");
    this.#moved = db.prepare("SELECT seq FROM id_hashes WHERE hash = ?");
    this.#move = db.prepare("INSERT INTO id_hashes (hash, seq) VALUES (?, ?) ON CONFLICT DO NOTHING");
    this.#deleteMoved = db.prepare("DELETE FROM id_hashes WHERE hash = ? AND seq = ?");
    this.#deleteRecent = db.prepare(`
      DELETE FROM recent_ids WHERE n IN (SELECT n FROM recent_ids WHERE n <= ? ORDER BY n LIMIT ?)`);
  }

  /** Rows of events that may have an id of this hash. In a transaction, after `know`. */
  find(hash: number): number[] {
    this.#catchUp();
    const found: number[] = [];
    this.#collected.find(hash, found);
    this.#moving?.table.find(hash, found);
    if (this.#lotEnd > 0) for (const row of this.#moved.all(hash) as Row[]) found.push(Number(row.seq));
    return found;
  }

  /** In a transaction. */
  add(hash: number, seq: number): void {
    this.#catchUp();
    this.#seen = Number(this.#insertRecent.run(hash, seq).lastInsertRowid);
    this.#collected.add(hash, seq);
    this.#added++;
  }

  /** In a transaction: the event is deleted. */
  remove(hash: number, seq: number): void {
    this.#catchUp();
    this.#hasRemoved = true;
    this.#collected.remove(hash, seq);
    this.#moving?.table.remove(hash, seq);
    if (this.#lotEnd > 0) this.#deleteMoved.run(hash, seq);
  }

  /**
   * To be called at the beginning of each transaction that may read or write ids. Memory is brought in step with the
   * file when the first of them does, so that a process that only runs never reads them.
   */
  know(): void {
    const { data_version: version } = this.#dataVersion.get() as Row;
    if (version !== this.#version) this.#isStale = true;
    this.#version = version;
    this.#seenBefore = this.#seen;
    this.#added = 0;
    this.#hasRemoved = false;
  }

  /** The transaction was rolled back, or nobody knows: what memory took from it may be in no file. */
  forget(): void {
    this.#seen = this.#seenBefore;
    this.#isStale = true;
    // All is read anew where it removed ids, and where it began a lot: if that commit was made after all, what is seen
    // reaches into the lot, and its rows from there on would be taken for all of it.
    if (this.#hasRemoved || this.#seen < this.#lotEnd) this.#isLoaded = false;
  }

  /** At the end of a transaction: moves some, where there are enough. */
  move(): void {
    if (this.#added === 0) return;
    if (this.#moving === null) {
      if (this.#collected.size < this.#collectedMax) return;
      this.#moving = new Lot(this.#collected, NOTHING_MOVED);
      this.#collected = new HashTable();
      this.#lotEnd = this.#seen;
      // Told at once: else the next commit of another process would have all of it read anew, again and again.
      this.#setState.run(this.#lotEnd, NOTHING_MOVED);
      return;
    }
    const hashes = this.#moving.take(this.#added * MOVES_PER_ID);
    for (const [at, hash] of hashes.entries()) {
      if (hash === hashes[at - 1]) continue; // each time all of a hash
      for (const seq of this.#moving.seqsOf(hash)) this.#move.run(hash, seq);
    }
    const last = hashes.at(-1);
    if (last !== undefined) this.#setState.run(this.#lotEnd, last);
    else {
      // The newest row stays, because a number of `n` must never come twice: those that were added came after the lot.
      const deletes = this.#added * DELETES_PER_ID;
      if (Number(this.#deleteRecent.run(this.#lotEnd, deletes).changes) < deletes) this.#moving = null;
    }
  }

  #catchUp(): void {
    if (!this.#isStale) return;
    this.#read();
    this.#isStale = false;
    this.#seenBefore = this.#seen;
  }

  #read(): void {
    const { lot_end: lotEnd, moved_to: movedTo } = this.#state.get() as Row;
    if (!this.#isLoaded || lotEnd !== this.#lotEnd) {
      this.#lotEnd = Number(lotEnd);
      this.#seen = 0;
      this.#collected = new HashTable();
      this.#moving = null;
    }
    const lot = new HashTable();
    if (this.#seen < this.#lotEnd) this.#readInto(lot, this.#lotEnd);
    this.#readInto(this.#collected, Number.MAX_SAFE_INTEGER);
    if (lot.size > 0) this.#moving = new Lot(lot, Number(movedTo));
    else this.#moving?.goOnFrom(Number(movedTo));
    this.#isLoaded = true;
  }

  #readInto(table: HashTable, end: number): void {
    const row = this.#between.get(this.#seen, end) as Row;
    if (row.last === null) return;
    const [hashes, seqs] = [
      JSON.parse(String(row.hashes)) as number[],
      JSON.parse(String(row.seqs)) as number[],
    ];
    for (const [at, hash] of hashes.entries()) table.add(hash, seqs[at] ?? 0);
    this.#seen = Number(row.last);
  }
}

const NOTHING_MOVED = -1;

/** Ids on their way into the big index, in the order of their hashes. */
class Lot {
  readonly table: HashTable;
  readonly #hashes: Float64Array<ArrayBuffer>;
  #at = 0;

  constructor(table: HashTable, movedTo: number) {
    this.table = table;
    this.#hashes = table.sortedHashes();
    this.goOnFrom(movedTo);
  }

  /** Another process may have moved some meanwhile, or a rollback may have undone it. */
  goOnFrom(movedTo: number): void {
    let [low, high] = [0, this.#hashes.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#hashes[middle] ?? 0) <= movedTo) low = middle + 1;
      else high = middle;
    }
    this.#at = low;
  }

  /** The next hashes, about as many; equal ones stay together. */
  take(count: number): Float64Array<ArrayBuffer> {
    const start = this.#at;
    let end = Math.min(this.#hashes.length, start + count);
    while (end > start && end < this.#hashes.length && this.#hashes[end] === this.#hashes[end - 1]) end++;
    this.#at = end;
    return this.#hashes.slice(start, end);
  }

  seqsOf(hash: number): number[] {
    const found: number[] = [];
    this.table.find(hash, found);
    return found;
  }
}
