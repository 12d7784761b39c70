import { chmod, mkdir, readdir, readFile, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { Clock } from "../../../lib/clock.ts";
import { createStorageBackend } from "../../../lib/storage/backend.ts";
import { type Database, isBusy, type Row } from "../../../lib/storage/sqlite/driver.ts";
import { databasePath, hasWalResetBug, openDatabase } from "../../../lib/storage/sqlite/open.ts";
import { checkSchema, raiseSchema, SCHEMA_VERSION } from "../../../lib/storage/sqlite/schema.ts";
import { runChild } from "../../support/child.ts";
import { rejects } from "../../support/rejects.ts";
import { StoredFile } from "../../support/stored.ts";
import { until } from "../../support/until.ts";

const NOBODY = 65_534;

const test = suite<{ file: StoredFile; umask: number }>("storage/sqlite/open");
test.before.each(async (t) => {
  t.file = await StoredFile.make();
  t.umask = process.umask();
});
test.after.each(async (t) => {
  process.umask(t.umask);
  await t.file.close();
});

for (const umask of [0o000, 0o022, 0o077]) {
  test(`under umask ${umask.toString(8)} the file and its log are the owner's alone`, async ({ file }) => {
    process.umask(umask);
    const { db } = await openDatabase(file.url, file.clock);
    db.prepare("INSERT INTO probes VALUES (1, 1)").run();
    const modes = await modesIn(file.folder);
    db.close();
    assert.equal(modes, { "test.db": "600", "test.db-shm": "600", "test.db-wal": "600" });
  });
}

test("a file that is there keeps its mode", async ({ file }) => {
  await writeFile(file.path, "");
  await chmod(file.path, 0o640);
  const { db } = await openDatabase(file.url, file.clock);
  db.close();
  assert.equal(await modesIn(file.folder), { "test.db": "640" });
});

test("each pragma that durability rests on is really set", async ({ file }) => {
  const { db } = await openDatabase(file.url, file.clock);
  const read = (name: string) => Object.values(db.prepare(`PRAGMA ${name}`).get() as Row)[0];
  const pragmas = {
    journal_mode: "wal",
    synchronous: 2,
    foreign_keys: 1,
    fullfsync: 1,
    checkpoint_fullfsync: 1,
    busy_timeout: 5,
    locking_mode: "normal",
    user_version: SCHEMA_VERSION,
  };
  assert.equal(Object.fromEntries(Object.keys(pragmas).map((name) => [name, read(name)])), pragmas);
  db.close();
});

test("an open changes nothing in a file of this version", async ({ file }) => {
  (await openDatabase(file.url, file.clock)).db.close();
  const before = await readFile(file.path);
  (await openDatabase(file.url, file.clock)).db.close();
  assert.ok(before.equals(await readFile(file.path)));
});

const refused: readonly [
  name: string,
  prepare: (file: StoredFile) => Promise<string | undefined> | string | undefined,
  message: RegExp,
][] = [
  [
    "a missing folder",
    ({ folder }) => `file:${join(folder, "none", "x.db")}`,
    /folder .*none does not exist$/,
  ],
  [
    "a file as folder",
    async ({ folder, path }) => {
      await writeFile(path, "");
      return `file:${join(folder, "test.db", "x.db")}`;
    },
    /Cannot make database/,
  ],
  ["a folder as file", async ({ path }) => void (await mkdir(path)), /Cannot open database/],
  [
    "a text",
    async ({ path }) => void (await writeFile(path, "no database ".repeat(500))),
    /is not an SQLite database; move it away/,
  ],
  [
    "a short text",
    async ({ path }) => void (await writeFile(path, "hello")),
    /is not an SQLite database; move it away/,
  ],
  [
    "another program's database",
    (file) => withDb(file, "CREATE TABLE theirs (a)"),
    /belongs to another program/,
  ],
  [
    "another program's mark",
    (file) => withDb(file, "PRAGMA application_id = 7"),
    /belongs to another program/,
  ],
  [
    "another program's version",
    (file) => withDb(file, "PRAGMA user_version = 1"),
    /belongs to another program/,
  ],
  [
    "another program's log file",
    (file) => withDb(file, "PRAGMA journal_mode = WAL; CREATE TABLE theirs (a)"),
    /belongs to another program/,
  ],
];

for (const [name, prepare, message] of refused) {
  test(`${name} is refused in one line, and stays as it was`, async ({ file }) => {
    const url = (await prepare(file)) ?? file.url;
    const before = await snapshot(file.folder);
    await rejects(openDatabase(url, file.clock), (error) => {
      assert.match(error.message, message);
      assert.not.match(error.message, /\n/);
    });
    assert.equal(await snapshot(file.folder), before);
  });
}

test("a database of a build before the first release is refused, and stays as it was", async ({ file }) => {
  (await openDatabase(file.url, file.clock)).db.close();
  withDb(file, "PRAGMA user_version = 1");
  const before = await snapshot(file.folder);
  await rejects(openDatabase(file.url, file.clock), /before the first release made it; move it away/);
  assert.equal(await snapshot(file.folder), before);
});

test("a newer version's database is refused with both versions, and stays as it was", async ({ file }) => {
  (await openDatabase(file.url, file.clock)).db.close();
  withDb(file, `PRAGMA user_version = ${SCHEMA_VERSION + 1}`);
  const before = await snapshot(file.folder);
  const message = new RegExp(`schema version ${SCHEMA_VERSION + 1}.* knows ${SCHEMA_VERSION} at most`);
  await rejects(openDatabase(file.url, file.clock), message);
  assert.equal(await snapshot(file.folder), before);
});

test("a newer version's database is refused in the journal mode that it chose", async ({ file }) => {
  (await openDatabase(file.url, file.clock)).db.close();
  withDb(file, `PRAGMA journal_mode = DELETE; PRAGMA user_version = ${SCHEMA_VERSION + 1}`);
  await rejects(openDatabase(file.url, file.clock), /run the newer Latchhook/);
  const db = file.connect();
  assert.is((db.prepare("PRAGMA journal_mode").get() as Row).journal_mode, "delete");
});

test("a new file that another process raises during the look at it is not taken for a stranger's", ({
  file,
}) => {
  const db = file.connect();
  const other = file.connect();
  const raised: string[] = [];
  const raise = (): void => {
    try {
      other.prepare("BEGIN IMMEDIATE").run();
      raiseSchema(other, file.url);
      other.prepare("COMMIT").run();
      raised.push("raised");
    } catch (error) {
      if (!isBusy(error)) throw error;
      other.exec("ROLLBACK");
      raised.push("waits");
    }
  };
  const watched: Database = {
    exec: (sql) => db.exec(sql),
    close: () => db.close(),
    prepare(sql) {
      if (sql.includes("sqlite_schema")) raise();
      return db.prepare(sql);
    },
  };
  other.exec("PRAGMA busy_timeout = 0");
  assert.is(checkSchema(watched, file.url), 0);
  assert.equal(raised, ["waits"]);
  raise();
  assert.is(checkSchema(db, file.url), SCHEMA_VERSION);
});

test("a file that this user may only read is refused, and says so", async ({ file }) => {
  (await openDatabase(file.url, file.clock)).db.close();
  withDb(file, "PRAGMA journal_mode = DELETE");
  await chmod(file.path, 0o444);
  await chmod(file.folder, 0o555);
  await asNobody(() => rejects(openDatabase(file.url, file.clock), /may not write to it; give this user/));
  await chmod(file.folder, 0o755);
});

test("a file that this user may write to, in a folder where its log cannot be made, is refused", async ({
  file,
}) => {
  (await openDatabase(file.url, file.clock)).db.close();
  await chmod(file.path, 0o666);
  await chmod(file.folder, 0o555);
  await asNobody(() => rejects(openDatabase(file.url, file.clock), /may not write to it; give this user/));
  await chmod(file.folder, 0o755);
});

test("a damaged file is refused with what to do", async ({ file }) => {
  (await openDatabase(file.url, file.clock)).db.close();
  const bytes = await readFile(file.path);
  bytes.fill(0xa5, 100, 4_096);
  await writeFile(file.path, bytes);
  await rejects(openDatabase(file.url, file.clock), /is damaged; restore a backup, or move it away/);
});

test("a new file in a folder that this user may only read is refused", async ({ file }) => {
  await chmod(file.folder, 0o555);
  await asNobody(() => rejects(openDatabase(file.url, file.clock), /Cannot make database .*(EACCES|denied)/));
  await chmod(file.folder, 0o755);
});

test("an empty file that someone made is taken as new", async ({ file }) => {
  await writeFile(file.path, "");
  const { db } = await openDatabase(file.url, file.clock);
  assert.is((db.prepare("SELECT count(*) AS n FROM webhook_events").get() as Row).n, 0);
  db.close();
});

test("an open waits while another holds the lock, and goes on when it lets go", async ({ file }) => {
  const other = await locked(file);
  let isOpen = false;
  const opening = openDatabase(file.url, file.clock).then((open) => {
    isOpen = true;
    open.db.close();
  });
  await until(() => file.clock.pending > 0, "the open to wait");
  await file.clock.advance(200);
  assert.is(isOpen, false);
  other.exec("ROLLBACK");
  await file.clock.advance(100);
  await opening;
  assert.is(isOpen, true);
});

test("an open waits too while another turns the file's journal into a log", async ({ file }) => {
  const other = await locked(file);
  other.exec("ROLLBACK; PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE");
  const opening = openDatabase(file.url, file.clock);
  await until(() => file.clock.pending > 0, "the open to wait");
  other.exec("ROLLBACK");
  await file.clock.advance(100);
  (await opening).db.close();
});

test("an open that waited for 5 s is refused, and says why", async ({ file }) => {
  await locked(file);
  let now = 0;
  // Each pause takes a second, so that it is tried five times and not a thousand.
  const clock: Clock = {
    now: () => now,
    monotonic: () => now,
    setTimer(fn) {
      now += 1_000;
      setImmediate(fn);
      return { clear: () => {} };
    },
  };
  await rejects(openDatabase(file.url, clock), /another process holds its lock$/);
  assert.is(now, 5_000);
});

test("processes that open a new database at once all get it, and one takes the id", async ({ file }) => {
  const startAt = String(Date.now() + 1_500);
  const script = new URL("../../fixtures/open-and-mark.ts", import.meta.url);
  const ends = await Promise.all(Array.from({ length: 4 }, () => runChild(script, [file.url, startAt])));
  assert.equal(ends.map(({ code, stderr }) => (code === 0 ? "" : stderr)).join(""), "");
  assert.equal(ends.map(({ stdout }) => stdout.trim()).sort(), ["first", "second", "second", "second"]);
});

test("storages that open a new database at once within a process all get it", async ({ file }) => {
  // By the system's clock, because an open that finds the lock taken waits a few milliseconds.
  const opened = await Promise.all(Array.from({ length: 5 }, () => createStorageBackend(file.url)));
  const isFirst = await Promise.all(opened.map((storage) => storage.webhookEvents.markProcessed("race")));
  for (const storage of opened) await storage.close();
  assert.is(isFirst.filter(Boolean).length, 1);
});

test("a database in memory is opened without any file", async ({ file }) => {
  const { db, notSharedBecause } = await openDatabase(":memory:", file.clock);
  assert.match(notSharedBecause, /memory/);
  assert.equal(await readdir(file.folder), []);
  db.close();
});

test("a link to a missing file does not make one that others may read", async ({ file }) => {
  process.umask(0o022);
  await symlink(join(file.folder, "target.db"), file.path);
  const opened = await openDatabase(file.url, file.clock).catch((error: unknown) => error);
  if (!(opened instanceof Error)) (opened as { db: Database }).db.close();
  const modes = await modesIn(file.folder, ["target.db"]);
  assert.ok(modes["target.db"] === undefined || modes["target.db"] === "600", JSON.stringify(modes));
});

const versions: readonly [version: string, hasBug: boolean][] = [
  ["3.7.0", true],
  ["3.8.10.2", true],
  ["3.43.2", true],
  ["3.44.5", true],
  ["3.44.6", false],
  ["3.44.7", false],
  ["3.45.0", true],
  ["3.46.1", true],
  ["3.49.2", true],
  ["3.50.6", true],
  ["3.50.7", false],
  ["3.51.0", true],
  ["3.51.2", true],
  ["3.51.3", false],
  ["3.52.0", false],
  ["3.100.0", false],
  ["4.0.0", false],
];

for (const [version, hasBug] of versions) {
  test(`SQLite ${version} ${hasBug ? "can lose commits when a log is reset" : "is safe to share"}`, () => {
    assert.is(hasWalResetBug(version), hasBug);
  });
}

const paths: readonly [url: string, path: string][] = [
  [":memory:", ":memory:"],
  ["file:latchhook.db", "latchhook.db"],
  ["file:./data/x.db", "./data/x.db"],
  ["file:/var/lib/x.db", "/var/lib/x.db"],
  ["file:///var/lib/x.db", "/var/lib/x.db"],
  ["file:///var/my%20lib/x.db", "/var/my lib/x.db"],
  ["file:my data.db", "my data.db"],
];

for (const [url, path] of paths) {
  test(`${url} is the path ${path}`, () => {
    assert.is(databasePath(url), path);
  });
}

for (const url of [
  "",
  "x.db",
  "file:",
  "file:x.db?mode=ro",
  "file:///x.db?mode=ro",
  "sqlite:x.db",
  "file::memory:",
  "memory",
]) {
  test(`${JSON.stringify(url)} is refused as database with the forms that are known`, () => {
    assert.throws(
      () => databasePath(url),
      (error: Error) => error instanceof TypeError && /give "file:PATH" or ":memory:"/.test(error.message),
    );
  });
}

test.run();

/** The modes of what is in a folder, in octal. */
async function modesIn(folder: string, names?: readonly string[]): Promise<Record<string, string>> {
  const modes: Record<string, string> = {};
  for (const name of names ?? (await readdir(folder)).sort()) {
    const found = await stat(join(folder, name)).catch(() => null);
    if (found !== null) modes[name] = (found.mode & 0o777).toString(8);
  }
  return modes;
}

/** Every file of a folder with its bytes. */
async function snapshot(folder: string): Promise<Record<string, string>> {
  const bytes: Record<string, string> = {};
  for (const name of (await readdir(folder)).sort()) {
    bytes[name] = await readFile(join(folder, name), "base64").catch(() => "a folder");
  }
  return bytes;
}

function withDb(file: StoredFile, sql: string): undefined {
  const db = file.connect();
  db.exec(sql);
  db.close();
}

/** A connection that holds the lock of a database that is there. */
async function locked(file: StoredFile): Promise<Database> {
  (await openDatabase(file.url, file.clock)).db.close();
  const other = file.connect();
  other.exec("BEGIN IMMEDIATE");
  return other;
}

/** Root may write everywhere, so under it these tests go on as another user for a moment. */
async function asNobody(action: () => Promise<void>): Promise<void> {
  if (process.geteuid?.() !== 0) return action();
  process.seteuid?.(NOBODY);
  try {
    await action();
  } finally {
    process.seteuid?.(0);
  }
}
