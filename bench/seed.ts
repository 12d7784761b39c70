/** `tsx bench/seed.ts FILE [--rows N]`: fills a new database file with events and runs that have ended. */
import { existsSync } from "node:fs";
import { parseArgs } from "node:util";
import { seed } from "./stored.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rows: { type: "string", default: "5000000" } },
});
const [file] = positionals;
const rows = Number(values.rows);
if (file === undefined || !Number.isSafeInteger(rows) || rows < 1) {
  throw new Error("Cannot seed: give the file to make, and --rows with a whole number from 1");
}
if (existsSync(file)) throw new Error(`Cannot seed ${file}: it exists already`);
const startedAt = performance.now();
await seed(file, rows, (done) => {
  const perSecond = Math.round(done / ((performance.now() - startedAt) / 1_000));
  console.log(`${done} of ${rows} (${perSecond}/s)`);
});
