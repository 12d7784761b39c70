import { copyFile, rename, rm } from "node:fs/promises";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { WebhookError } from "../../../lib/errors.ts";
import { rejects } from "../../support/rejects.ts";
import { eventOf, runOf, StoredFile } from "../../support/stored.ts";

const test = suite<{ file: StoredFile }>("storage/sqlite/file-place");
test.before.each(async (t) => {
  t.file = await StoredFile.make();
});
test.after.each(({ file }) => file.close());

const isMoved = (error: Error): boolean =>
  error instanceof WebhookError &&
  error.code === "storage_unavailable" &&
  /no longer where/.test(error.message);

for (const ending of ["", "-wal", "-shm"]) {
  const name = ending === "" ? "the database" : `its ${ending}`;
  test(`once ${name} was moved nothing is promised, and when it is back all goes on`, async ({ file }) => {
    const storage = await file.open();
    const accept = (id: string) => storage.accept(eventOf(id), [runOf()], "conflict");
    await accept("before");
    const path = `${file.path}${ending}`;
    await rename(path, `${path}.away`);
    await rejects(accept("meanwhile"), isMoved);
    await rejects(storage.checkReady(), isMoved);
    await rename(`${path}.away`, path);
    await storage.checkReady();
    assert.is((await accept("meanwhile")).kind, "accepted");
    assert.is((await accept("before")).kind, "duplicate");
  });
}

test("a copy in its place is another file", async ({ file }) => {
  const storage = await file.open();
  await storage.accept(eventOf("a"), [runOf()], "conflict");
  await rename(file.path, `${file.path}.away`);
  await copyFile(`${file.path}.away`, file.path);
  await rejects(storage.accept(eventOf("b"), [runOf()], "conflict"), isMoved);
});

test("a file that was removed is refused for good", async ({ file }) => {
  const storage = await file.open();
  await rm(file.path);
  await rejects(storage.accept(eventOf("a"), [runOf()], "conflict"), isMoved);
  await rejects(storage.checkReady(), isMoved);
});

test("another process's writes and copies of the log move nothing", async ({ file }) => {
  const storage = await file.open();
  const other = await file.open();
  await other.accept(eventOf("a"), [runOf()], "conflict");
  await other.close(); // copies the log and closes its connection
  const db = file.connect();
  db.exec("PRAGMA wal_checkpoint(TRUNCATE); VACUUM");
  db.close();
  assert.is((await storage.accept(eventOf("a"), [runOf()], "duplicate")).kind, "duplicate");
  assert.is((await storage.accept(eventOf("b"), [runOf()], "conflict")).kind, "accepted");
});

test.run();
