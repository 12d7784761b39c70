import { readFile, writeFile } from "node:fs/promises";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { WebhookError } from "../../../lib/errors.ts";
import { createStorageBackend } from "../../../lib/storage/backend.ts";
import { rejects } from "../../support/rejects.ts";
import { eventOf, processOf, runOf, StoredFile } from "../../support/stored.ts";

const PAGE_BYTES = 4_096;

const test = suite<{ file: StoredFile }>("storage/sqlite/rehearsal");
test.before.each(async (t) => {
  t.file = await StoredFile.make();
  const storage = await t.file.open();
  for (const id of ["a", "b", "c"]) await storage.accept(eventOf(id), [runOf()], "conflict");
  await storage.close();
});
test.after.each(({ file }) => file.close());

const isUnavailable = (error: Error): boolean =>
  error instanceof WebhookError && error.code === "storage_unavailable";

/** Writes garbage over the first page of a table or index. */
async function damage(file: StoredFile, name: string): Promise<void> {
  const [row] = file.rows(`SELECT rootpage FROM sqlite_schema WHERE name = '${name}'`);
  const bytes = await readFile(file.path);
  const at = (Number(row?.rootpage) - 1) * PAGE_BYTES;
  await writeFile(file.path, bytes.fill(0xa5, at, at + PAGE_BYTES));
}

// What a delivery that begins its run at once writes to.
const needed = [
  "webhook_events",
  "sqlite_autoindex_webhook_events_1",
  "webhook_events_kept",
  "recent_ids",
  "id_moves",
  "runs",
  "sqlite_autoindex_runs_1",
  "sqlite_autoindex_runs_2",
  "runs_owned",
  "runs_by_workflow",
  "processes",
];

for (const name of needed) {
  test(`with ${name} damaged no delivery is accepted, and the storage does not call itself ready`, async ({
    file,
  }) => {
    await damage(file, name);
    const storage = await file.open();
    await rejects(storage.checkReady(), isUnavailable); // before a delivery has found it
    const claim = { process: processOf("p"), fileHash: null };
    await rejects(storage.accept(eventOf("new"), [runOf("a", { claim })], "conflict"), isUnavailable);
    await rejects(storage.checkReady(), isUnavailable);
    await rejects(storage.checkReady(), isUnavailable);
  });
}

test("a page that only an old event needs does not make the storage unready", async ({ file }) => {
  await damage(file, "steps");
  const storage = await file.open();
  assert.is((await storage.accept(eventOf("new"), [runOf()], "conflict")).kind, "accepted");
  await storage.checkReady();
});

test("a storage that was asked once rehearses no more while nothing fails", async ({ file }) => {
  const storage = await file.open();
  await storage.checkReady();
  const other = file.connect();
  other.exec("PRAGMA busy_timeout = 5000; BEGIN IMMEDIATE");
  let isReady = false;
  const asked = storage.checkReady().then(() => {
    isReady = true;
  });
  await file.clock.advance(0);
  const wasReady = isReady;
  other.exec("COMMIT");
  await file.clock.advance(5_000);
  await asked;
  assert.ok(wasReady, "a rehearsal waits for the lock");
});

test("a rehearsal leaves nothing behind", async ({ file }) => {
  const storage = await file.open();
  const other = file.connect();
  other.exec("PRAGMA busy_timeout = 5000; BEGIN IMMEDIATE");
  const refused = rejects(storage.accept(eventOf("new"), [runOf()], "conflict"), isUnavailable);
  await file.clock.advance(6_000);
  await refused;
  other.exec("COMMIT");
  await storage.checkReady();
  assert.equal([file.count("webhook_events"), file.count("runs"), file.count("processes")], [3, 3, 0]);
  assert.is((await storage.accept(eventOf("a"), [runOf()], "conflict")).kind, "duplicate");
  assert.is((await storage.accept(eventOf("new"), [runOf()], "conflict")).kind, "accepted");
});

test("a damage that is found behind the open is said as one that the open finds", async ({ file }) => {
  await damage(file, "keys");
  await rejects(createStorageBackend(file.url), /^Cannot open database .* is damaged; restore a backup/);
});

test.run();
