import { suite } from "uvu";
import * as assert from "uvu/assert";
import {
  type Database,
  isBusy,
  isFault,
  loadDriver,
  type Row,
  SQLITE,
  sqliteCode,
} from "../../../lib/storage/sqlite/driver.ts";
import { StoredFile } from "../../support/stored.ts";

const test = suite<{ file: StoredFile; db: Database }>("storage/sqlite/driver");
test.before.each(async (t) => {
  t.file = await StoredFile.make();
  t.db = t.file.connect();
  t.db.exec("PRAGMA busy_timeout = 1");
  t.db.exec("CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT UNIQUE, b BLOB, c TEXT CHECK (c <> ''))");
});
test.after.each((t) => t.file.close());

test("the library is node:sqlite where the runtime has it, else better-sqlite3", async () => {
  const hasOwn = await import("node:sqlite").then(
    () => true,
    () => false,
  );
  assert.is((await loadDriver()).name, hasOwn ? "node:sqlite" : "better-sqlite3");
});

test("text, bytes, numbers and NULL come back as they went in", ({ db }) => {
  const text = "ü 漢 😀 \n";
  db.prepare("INSERT INTO t VALUES (?, ?, ?, ?)").run(
    9_007_199_254_740_991,
    text,
    new Uint8Array([0, 255]),
    null,
  );
  const row = db.prepare("SELECT * FROM t").get() as Row;
  assert.is(row.id, 9_007_199_254_740_991);
  assert.is(row.a, text);
  assert.instance(row.b, Uint8Array);
  assert.equal(Array.from(row.b as Uint8Array), [0, 255]);
  assert.is(row.c, null);
});

test("no bytes are stored as no bytes, not as NULL", ({ db }) => {
  db.prepare("INSERT INTO t (b) VALUES (?)").run(new Uint8Array());
  const row = db.prepare("SELECT b, typeof(b) AS type FROM t").get() as Row;
  assert.is(row.type, "blob");
  assert.is((row.b as Uint8Array).length, 0);
});

test("run tells how many rows it changed, get gives undefined for none", ({ db }) => {
  const insert = db.prepare("INSERT INTO t (a) VALUES (?) ON CONFLICT (a) DO NOTHING");
  assert.is(Number(insert.run("x").changes), 1);
  assert.is(Number(insert.run("x").changes), 0);
  assert.is(db.prepare("SELECT 1 FROM t WHERE a = 'y'").get(), undefined);
});

test("a lock held by another connection is known as busy, from prepared statements", ({ file, db }) => {
  const other = file.connect();
  other.exec("BEGIN IMMEDIATE");
  const error = caught(() => db.prepare("BEGIN IMMEDIATE").run());
  assert.is(sqliteCode(error), SQLITE.BUSY);
  assert.is(isBusy(error), true);
  assert.is(isFault(error), false);
  other.exec("ROLLBACK");
});

test("a full disk is known as a fault, and the statement works again when there is room", ({ db }) => {
  const insert = db.prepare("INSERT INTO t (b) VALUES (?)");
  db.exec("PRAGMA max_page_count = 4");
  const error = caught(() => {
    for (let at = 0; at < 10; at++) insert.run(new Uint8Array(4_000));
  });
  assert.is(sqliteCode(error), SQLITE.FULL);
  assert.is(isFault(error), true);
  assert.is(isBusy(error), false);
  db.exec("PRAGMA max_page_count = 1000");
  assert.is(Number(insert.run(new Uint8Array(4_000)).changes), 1);
});

test("a database that may only be read is known as a fault", ({ db }) => {
  const insert = db.prepare("INSERT INTO t (a) VALUES (?)");
  db.exec("PRAGMA query_only = ON");
  const error = caught(() => insert.run("x"));
  assert.is(sqliteCode(error), SQLITE.READONLY);
  assert.is(isFault(error), true);
});

test("a broken constraint is the command's fault, not the disk's", ({ db }) => {
  for (const values of ["(1, 'x', NULL, '')", "(1, NULL, NULL, NULL), (1, NULL, NULL, NULL)"]) {
    const error = caught(() => db.prepare(`INSERT INTO t VALUES ${values}`).run());
    assert.is(sqliteCode(error), SQLITE.CONSTRAINT, values);
    assert.is(isFault(error), false);
    assert.is(isBusy(error), false);
  }
});

const codes: readonly [name: string, error: unknown, code: number | null, kind: "busy" | "fault" | "none"][] =
  [
    ["an extended number", { errcode: 2_067 }, SQLITE.CONSTRAINT, "none"],
    ["BUSY_SNAPSHOT by number", { errcode: 517 }, SQLITE.BUSY, "busy"],
    ["BUSY_SNAPSHOT by name", { code: "SQLITE_BUSY_SNAPSHOT" }, SQLITE.BUSY, "busy"],
    ["LOCKED by name", { code: "SQLITE_LOCKED" }, SQLITE.LOCKED, "busy"],
    ["IOERR_FSYNC by number", { errcode: 1_034 }, SQLITE.IOERR, "fault"],
    ["IOERR_FSYNC by name", { code: "SQLITE_IOERR_FSYNC" }, SQLITE.IOERR, "fault"],
    ["CORRUPT_INDEX by name", { code: "SQLITE_CORRUPT_INDEX" }, SQLITE.CORRUPT, "fault"],
    ["NOMEM by name", { code: "SQLITE_NOMEM" }, SQLITE.NOMEM, "fault"],
    ["CANTOPEN by name", { code: "SQLITE_CANTOPEN" }, SQLITE.CANTOPEN, "fault"],
    ["PROTOCOL by number", { errcode: 15 }, SQLITE.PROTOCOL, "fault"],
    ["NOTADB by name", { code: "SQLITE_NOTADB" }, SQLITE.NOTADB, "fault"],
    ["a plain SQL error", { code: "SQLITE_ERROR" }, null, "none"],
    ["an error of Node", { code: "ERR_INVALID_STATE" }, null, "none"],
    ["a thrown text", "SQLITE_BUSY", null, "none"],
    ["null", null, null, "none"],
  ];

for (const [name, error, code, kind] of codes) {
  test(`${name} has code ${code} and is ${kind === "none" ? "neither busy nor a fault" : kind}`, () => {
    assert.is(sqliteCode(error), code);
    assert.is(isBusy(error), kind === "busy");
    assert.is(isFault(error), kind === "fault");
  });
}

test.run();

function caught(action: () => unknown): unknown {
  try {
    action();
  } catch (error) {
    return error;
  }
  return assert.unreachable("Expected an error, but nothing was thrown");
}
