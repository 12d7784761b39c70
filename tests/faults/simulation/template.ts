import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../../lib/clock.ts";
import { openDatabase } from "../../../lib/storage/sqlite/open.ts";

/** A new database's bytes, made by our own code. Its key is always the same, or the order of the hashes would not be. */
export async function makeTemplate(): Promise<Buffer> {
  const folder = mkdtempSync(join(tmpdir(), "latchhook-sim-"));
  try {
    const path = join(folder, "template.db");
    const { db } = await openDatabase(`file:${path}`, systemClock);
    db.exec("UPDATE keys SET value = x'000102030405060708090a0b0c0d0e0f'");
    db.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    db.close();
    return readFileSync(path);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
