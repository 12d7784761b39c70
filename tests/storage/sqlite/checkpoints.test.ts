import { existsSync, statSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { systemClock } from "../../../lib/clock.ts";
import { type CheckpointFile, Checkpoints } from "../../../lib/storage/sqlite/checkpoints.ts";
import type { Database } from "../../../lib/storage/sqlite/driver.ts";
import { openDatabase } from "../../../lib/storage/sqlite/open.ts";
import { readPragma } from "../../../lib/storage/sqlite/schema.ts";
import { SqliteStorage } from "../../../lib/storage/sqlite/sqlite-storage.ts";
import { spawnProgram } from "../../support/spawn-server.ts";
import { eventOf, StoredFile } from "../../support/stored.ts";
import { until } from "../../support/until.ts";

/** SQLite's own: a commit copies the log when it has so many pages. */
const BY_COMMITS = 1_000;
const MEBIBYTE = 1_048_576;

const test = suite<{ file: StoredFile; db: Database; given: CheckpointFile }>("storage/sqlite/checkpoints");
test.before.each(async (t) => {
  t.file = await StoredFile.make();
  const { db, checkpointFile } = await openDatabase(t.file.url, t.file.clock);
  assert.ok(checkpointFile, "this runtime's SQLite must not lose commits to a second connection");
  t.db = db;
  t.given = checkpointFile;
});
test.after.each(async (t) => {
  t.db.close();
  await t.file.close();
});

test("the log is copied beside the writes, which from then on copy nothing themselves", async ({
  file,
  db,
  given,
}) => {
  const checkpoints = new Checkpoints(db, given);
  db.exec("CREATE TABLE scratch (body BLOB)");
  db.exec("INSERT INTO scratch VALUES (zeroblob(2000000))");
  assert.is(checkpoints.begin(0), null);
  assert.is(readPragma(db, "wal_autocheckpoint"), BY_COMMITS);
  await until(() => checkpoints.begin(0) !== null, "the thread to be ready");
  assert.is(readPragma(db, "wal_autocheckpoint"), 0);
  await checkpoints.idle();
  db.exec("INSERT INTO scratch VALUES (zeroblob(6000000))");
  const before = statSync(file.path).size;
  assert.ok(before < 6_000_000, "a commit copied the log");
  checkpoints.begin(0);
  await checkpoints.idle();
  assert.ok(statSync(file.path).size > 8_000_000);
  await checkpoints.close();
});

test("a thread that cannot start leaves the copying to the commits", async ({ db, given }) => {
  const checkpoints = new Checkpoints(db, { ...given, library: "no-such-library" });
  assert.is(checkpoints.begin(0), null);
  await new Promise((resolve) => setTimeout(resolve, 300));
  assert.is(checkpoints.begin(0), null);
  assert.is(readPragma(db, "wal_autocheckpoint"), BY_COMMITS);
  await checkpoints.close();
});

test("a thread that ends gives the copying back to the commits", async ({ db, given }) => {
  const checkpoints = new Checkpoints(db, { ...given, pragmas: [...given.pragmas, "cache_size = -64"] });
  await until(() => checkpoints.begin(0) !== null, "the thread to be ready");
  await checkpoints.close();
  assert.is(checkpoints.begin(0), null);
});

test("a database that was taken away is not made anew", async ({ file, given, db }) => {
  unlinkSync(file.path);
  const checkpoints = new Checkpoints(db, given);
  checkpoints.begin(0);
  await new Promise((resolve) => setTimeout(resolve, 300));
  assert.is(checkpoints.begin(0), null);
  assert.is(existsSync(file.path), false);
  await checkpoints.close();
});

test("under a load that never pauses the log stays bounded, nobody sees a change, and the close leaves none", async () => {
  const file = await StoredFile.make();
  const open = await openDatabase(file.url, systemClock);
  const storage = new SqliteStorage(file.url, open, systemClock, Math.random);
  storage.hasChanged();
  const log = `${file.path}-wal`;
  let largest = 0;
  let left = 240;
  const send = async (): Promise<void> => {
    while (left-- > 0) {
      await storage.accept(eventOf(null, { body: new Uint8Array(MEBIBYTE) }), [], "conflict");
      largest = Math.max(largest, statSync(log).size);
    }
  };
  await Promise.all(Array.from({ length: 8 }, send));
  assert.ok(largest > 8 * MEBIBYTE, "the commits copied the log by themselves");
  assert.ok(largest < 96 * MEBIBYTE, `the log grew to ${Math.round(largest / MEBIBYTE)} MiB`);
  assert.is(storage.hasChanged(), false);
  await storage.close();
  assert.is(existsSync(log), false);
  await file.close();
});

test("a thread that nobody closes keeps no process alive", async ({ file }) => {
  const from = (path: string): string => JSON.stringify(new URL(`../../../${path}`, import.meta.url).href);
  const program = join(file.folder, "program.mts");
  writeFileSync(
    program,
    `
import { systemClock } from ${from("lib/clock.ts")};
import { Checkpoints } from ${from("lib/storage/sqlite/checkpoints.ts")};
import { openDatabase } from ${from("lib/storage/sqlite/open.ts")};
const { db, checkpointFile } = await openDatabase(${JSON.stringify(file.url)}, systemClock);
const checkpoints = new Checkpoints(db, checkpointFile);
while (checkpoints.begin(0) === null) await new Promise((resolve) => setTimeout(resolve, 5));
await checkpoints.idle();
`,
  );
  const { ended, said } = spawnProgram({ file: pathToFileURL(program) });
  assert.is((await ended()).code, 0, said.stderr);
});

test("a database in memory has no thread", async () => {
  const { db, checkpointFile } = await openDatabase(":memory:", systemClock);
  assert.is(checkpointFile, null);
  db.close();
});

test.run();
