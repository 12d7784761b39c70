import { suite } from "uvu";
import * as assert from "uvu/assert";
import { HashTable } from "../../../lib/storage/sqlite/hash-table.ts";

const test = suite("storage/sqlite/hash-table");

/** Hashes of 48 bits, those of one low part among them, which meet in one slot. */
const hashes = Array.from({ length: 5_000 }, (_, at) =>
  at % 3 === 0 ? at * 2 ** 32 : (at * 7_919) % 2 ** 48,
);

function find(table: HashTable, hash: number): number[] {
  const found: number[] = [];
  table.find(hash, found);
  return found.sort((a, b) => a - b);
}

test("each hash finds its rows and no others, however far the table has grown", () => {
  const table = new HashTable();
  const model = new Map<number, number[]>();
  for (const [seq, hash] of [...hashes, ...hashes.slice(0, 100)].entries()) {
    table.add(hash, seq);
    model.set(hash, [...(model.get(hash) ?? []), seq]);
  }
  for (const [hash, seqs] of model) assert.equal(find(table, hash), seqs);
  for (const hash of [1, 2 ** 47 + 1, 2 ** 32 + 1]) assert.equal(find(table, hash), []);
  assert.is(table.size, hashes.length + 100);
});

test("what is removed is not found, and what stands behind it is", () => {
  const table = new HashTable();
  for (const [seq, hash] of hashes.entries()) table.add(hash, seq);
  for (const [seq, hash] of hashes.entries()) if (seq % 2 === 0) table.remove(hash, seq);
  for (const [seq, hash] of hashes.entries()) {
    assert.is(find(table, hash).includes(seq), seq % 2 === 1, `row ${seq}`);
  }
});

test("the hashes come in ascending order, equal ones as often as they were added", () => {
  const table = new HashTable();
  for (const [seq, hash] of [9, 2 ** 40, 0, 9, 5].entries()) table.add(hash, seq);
  assert.equal([...table.sortedHashes()], [0, 5, 9, 9, 2 ** 40]);
});

test.run();
