import { readFileSync } from "node:fs";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { Storage } from "../../../lib/repositories.ts";
import { raiseSchema, SCHEMA_VERSION } from "../../../lib/storage/sqlite/schema.ts";
import { SCHEMA_3, writeSchema3 } from "../../support/schema-3.ts";
import { claimOf, eventOf, firstPage, runOf, StoredFile } from "../../support/stored.ts";

const test = suite<{ file: StoredFile }>("storage/sqlite/schema");
test.before.each(async (t) => {
  t.file = await StoredFile.make();
});
test.after.each((t) => t.file.close());

const schemaOf = (file: StoredFile): string[] =>
  file
    .rows("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name")
    .map(({ sql }) => String(sql).replaceAll(/\s+/g, " "));

/** All rows of the tables that a file of version 3 has. */
function rowsOf(file: StoredFile): unknown {
  const tables = readFileSync(SCHEMA_3, "utf8").matchAll(/CREATE TABLE (\w+)/g);
  return Array.from(tables, ([, name]) => [name, file.rows(`SELECT * FROM ${name}`)]);
}

test("a file of version 3 is raised, with every row that it had", async ({ file }) => {
  writeSchema3(file);
  const before = rowsOf(file);
  await (await file.open()).close();
  assert.equal(file.rows("PRAGMA user_version"), [{ user_version: SCHEMA_VERSION }]);
  assert.equal(rowsOf(file), before);
});

test("a file that was raised and a new one have the same schema", async ({ file }) => {
  writeSchema3(file);
  await (await file.open()).close();
  const made = await StoredFile.make();
  await (await made.open()).close();
  const [raised, fresh] = [schemaOf(file), schemaOf(made)];
  await made.close();
  assert.equal(raised, fresh);
  assert.equal(file.rows("PRAGMA integrity_check"), [{ integrity_check: "ok" }]);
  assert.equal(file.rows("PRAGMA foreign_key_check"), []);
});

test("version 3 is what it was: its entry was not edited", async ({ file }) => {
  writeSchema3(file);
  const old = schemaOf(file);
  await (await file.open()).close();
  assert.equal(
    schemaOf(file).filter((sql) => !/ guards /.test(sql)),
    old,
  );
});

test("what a file of version 3 has accepted is known after it was raised, and goes on", async ({ file }) => {
  writeSchema3(file);
  const storage = await file.open();
  for (const [id, eventId] of [
    ["done", "evt_done"],
    ["owned", "evt_owned"],
    ["gone", "evt_gone"],
  ] as const) {
    const copy = await storage.accept(eventOf(id), [runOf()], "conflict");
    assert.equal([copy.kind, copy.eventId], ["duplicate", eventId]);
  }
  assert.is(await storage.webhookEvents.markProcessed("marked"), false);
  const byId = await storage.listEvents({ ...firstPage, provider: "github", webhookId: "guid" });
  assert.equal(
    byId.items.map(({ eventId }) => eventId),
    ["evt_hub"],
  );
  const { runs } = await storage.claim(claimOf());
  assert.equal(runs.map(({ runId }) => runId).sort(), ["run_hub", "run_replay"]);
  const done = await storage.getRun("run_done");
  assert.equal(
    [done?.status, done?.result, done?.steps.length, done?.attempts.length],
    ["succeeded", '"result"', 1, 2],
  );
  assert.equal(await storage.ownedRuns("p_dead"), [
    { runId: "run_owned", fence: 1, workflowName: "a", losses: 0 },
  ]);
});

test("an event of a file of version 3 takes guards after it was raised", async ({ file }) => {
  writeSchema3(file);
  const storage = await file.open();
  const copy = (id: string): Promise<{ kind: string; eventId: string }> =>
    storage.accept(eventOf(id, { guardKey: "acme:guard:t" }), [runOf()], "duplicate");
  for (const id of ["done", "other"]) {
    const { kind, eventId } = await copy(id);
    assert.equal([kind, eventId], ["duplicate", "evt_done"]);
  }
});

test("a raise that is broken off leaves the file as it was", ({ file }) => {
  writeSchema3(file);
  const before = schemaOf(file);
  const db = file.connect();
  db.exec("BEGIN IMMEDIATE");
  raiseSchema(db, file.url);
  assert.is.not(schemaOf(file).length, 0);
  db.exec("ROLLBACK");
  db.close();
  assert.equal(schemaOf(file), before);
  assert.equal(file.rows("PRAGMA user_version"), [{ user_version: 3 }]);
});

test("two processes that open a file of version 3 at once raise it once", async ({ file }) => {
  writeSchema3(file);
  const storages: Storage[] = await Promise.all([file.open(), file.open(), file.open()]);
  const outcomes = await Promise.all(
    storages.map((storage) => storage.accept(eventOf("new"), [runOf()], "conflict")),
  );
  assert.equal(outcomes.map(({ kind }) => kind).sort(), ["accepted", "duplicate", "duplicate"]);
});

test.run();
