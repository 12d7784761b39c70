/**
 * `tsx bench/transaction.ts FOLDER SECONDS`: prints the median time, in milliseconds, of a transaction that stores one
 * row of 400 bytes and is fsynced. Nothing that promises to be on disk answers faster than this.
 */
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { loadDriver } from "../lib/storage/sqlite/driver.ts";
import { spreadOf } from "./statistics.ts";

const [parent = ".", seconds = "1"] = process.argv.slice(2);
const folder = mkdtempSync(join(parent, "transaction-"));
const db = (await loadDriver()).open(join(folder, "bench.db"));
db.prepare("PRAGMA journal_mode = WAL").get();
db.exec("PRAGMA synchronous = FULL");
db.exec("CREATE TABLE rows (id INTEGER PRIMARY KEY, body BLOB NOT NULL)");
const insert = db.prepare("INSERT INTO rows (body) VALUES (?)");
const body = randomBytes(400);
const took: number[] = [];
const startedAt = performance.now();
for (let now = startedAt; now - startedAt < Number(seconds) * 1_000; ) {
  db.exec("BEGIN IMMEDIATE");
  insert.run(body);
  db.exec("COMMIT");
  const then = performance.now();
  took.push(then - now);
  now = then;
}
db.close();
rmSync(folder, { recursive: true });
console.log(spreadOf(took).median);
