import { suite } from "uvu";
import * as assert from "uvu/assert";
import { nextTurn, systemClock } from "../../../lib/clock.ts";
import type { WebhookError } from "../../../lib/errors.ts";
import type { Database, Row, Statement } from "../../../lib/storage/sqlite/driver.ts";
import { openDatabase } from "../../../lib/storage/sqlite/open.ts";
import { SqliteStorage } from "../../../lib/storage/sqlite/sqlite-storage.ts";
import { type Command, Writer } from "../../../lib/storage/sqlite/writer.ts";
import { rejects } from "../../support/rejects.ts";
import { eventOf, runOf, StoredFile } from "../../support/stored.ts";
import { until } from "../../support/until.ts";

/** The longest jitter, so that a wait of seconds is few tries. */
const random = () => 0.99;

/** Well above the few milliseconds of a try and a garbage collection, well below a wait inside SQLite. */
const FREEZE_MS_MAX = 250;

const test = suite<{ file: StoredFile; db: Database; writer: Writer; insert: Statement }>(
  "storage/sqlite/writer",
);
test.before.each(async (t) => {
  t.file = await StoredFile.make();
  t.db = (await openDatabase(t.file.url, t.file.clock)).db;
  t.db.exec("CREATE TABLE scratch (name TEXT PRIMARY KEY, body BLOB)");
  t.writer = new Writer(t.db, t.file.clock, random);
  t.insert = t.db.prepare("INSERT INTO scratch VALUES (?, ?)");
});
test.after.each(async (t) => {
  t.writer.close();
  t.db.close();
  await t.file.close();
});

test("a batch gives each command its own result, in order, once others can see them", async ({
  file,
  writer,
  insert,
}) => {
  const results = await writeAll(writer, [() => put(insert, "a"), () => "value", () => put(insert, "b")]);
  assert.equal(names(file), ["a", "b"]);
  assert.equal(
    results.map((result) => (result.status === "fulfilled" ? result.value : result.reason)),
    ["a", "value", "b"],
  );
});

test("commands of one turn are one transaction", async ({ file, writer, insert }) => {
  const looker = file.connect();
  const count = looker.prepare("SELECT count(*) AS n FROM scratch");
  const seen: unknown[] = [];
  const look = () => seen.push((count.get() as Row).n);
  await writeAll(writer, [() => put(insert, "a"), look, () => put(insert, "b"), look]);
  look();
  assert.equal(seen, [0, 0, 2]);
});

for (const [perTurn, commits, what] of [
  [8, 1, "share one commit"],
  [3, 3, "wait for a turn at most"],
] as const) {
  test(`commands that come ${perTurn} a turn ${what}`, async ({ writer }) => {
    const transactions = new Set<number>();
    const written: Promise<unknown>[] = [];
    for (let turn = 0; turn < 5; turn++) {
      for (let at = 0; at < perTurn; at++)
        written.push(writer.write((transaction) => transactions.add(transaction)));
      await nextTurn();
    }
    await Promise.all(written);
    assert.is(transactions.size, commits);
  });
}

test("a flood that does not end is written all the same", async ({ writer }) => {
  const transactions = new Set<number>();
  for (let turn = 0; transactions.size === 0; turn++) {
    assert.ok(turn < 50, "nothing was written in 50 turns");
    for (let at = 0; at < 20; at++) void writer.write((transaction) => transactions.add(transaction));
    await nextTurn();
  }
});

test("only the guilty command of a batch fails, and what came before and after it is kept", async ({
  file,
  writer,
  insert,
}) => {
  await writer.write(() => put(insert, "taken"));
  const results = await writeAll(writer, [
    () => put(insert, "a"),
    () => put(insert, "taken"),
    () => put(insert, "b"),
  ]);
  assert.equal(names(file), ["a", "b", "taken"]);
  assert.equal(
    results.map(({ status }) => status),
    ["fulfilled", "rejected", "fulfilled"],
  );
  assert.is(writer.hasFault, false);
});

test("half of a command's writes never stays, alone or in a batch", async ({ file, writer, insert }) => {
  const halves: Command<string> = () => {
    put(insert, "half");
    throw new RangeError("in the middle");
  };
  await rejects(writer.write(halves), (error) => error instanceof RangeError);
  const results = await writeAll(writer, [() => put(insert, "a"), halves, () => put(insert, "b")]);
  assert.equal(names(file), ["a", "b"]);
  assert.instance((results[1] as PromiseRejectedResult).reason, RangeError);
});

test("an event is never stored without its runs", async ({ file }) => {
  const storage = await file.open();
  const twice = runOf("a", { id: "run_twice" });
  await storage.accept(eventOf("first"), [twice], "conflict");
  await rejects(storage.accept(eventOf("second"), [runOf(), twice], "conflict"), /UNIQUE/);
  assert.is(file.count("webhook_events"), 1);
  assert.is(file.count("runs"), 1);
});

test("in a batch of 64 deliveries the one whose run is refused fails, and the others are whole", async ({
  file,
}) => {
  const storage = await file.open();
  await storage.accept(eventOf("first"), [runOf("a", { id: "run_twice" })], "conflict");
  const accepts = Array.from({ length: 64 }, (_, at) =>
    storage.accept(eventOf(`id ${at}`), [runOf("a", at === 40 ? { id: "run_twice" } : {})], "conflict"),
  );
  const results = await Promise.allSettled(accepts);
  const failed = results.flatMap(({ status }, at) => (status === "rejected" ? [at] : []));
  assert.equal(failed, [40]);
  const whole = "webhook_events e JOIN runs r ON r.event_seq = e.seq";
  assert.equal([file.count("webhook_events"), file.count("runs"), file.count(whole)], [64, 64, 64]);
});

test("64 deliveries of one turn are one transaction, and a lone one is none the longer for it", async ({
  file,
}) => {
  const open = await openDatabase(file.url, file.clock);
  let commits = 0;
  const counting: Database = {
    exec: (sql) => open.db.exec(sql),
    close: () => open.db.close(),
    prepare(sql) {
      const statement = open.db.prepare(sql);
      if (sql !== "COMMIT") return statement;
      const run = (): ReturnType<Statement["run"]> => {
        commits++;
        return statement.run();
      };
      return { run, get: statement.get.bind(statement), all: statement.all.bind(statement) };
    },
  };
  const storage = new SqliteStorage(file.url, { ...open, db: counting }, file.clock, random);
  await storage.accept(eventOf("alone"), [runOf()], "conflict");
  assert.is(commits, 1);
  assert.is(file.clock.pending, 0, "it waited for a timer");
  await Promise.all(
    Array.from({ length: 64 }, (_, at) => storage.accept(eventOf(`id ${at}`), [runOf()], "conflict")),
  );
  assert.is(commits, 2);
  await storage.close();
});

test("while another holds the lock for 3 s commands wait, nothing freezes, and then all commit in order", async ({
  file,
  writer,
  insert,
}) => {
  const { clock } = file;
  const other = lock(file);
  const order: string[] = [];
  const writes = ["a", "b", "c"].map((name) =>
    writer.write(() => put(insert, name)).then((done) => order.push(done)),
  );
  const longest = await longestTurn(() => clock.advance(3_000));
  assert.equal(order, []);
  assert.ok(longest < FREEZE_MS_MAX, `the event loop stood still for ${longest} ms`);
  assert.equal(names(file), []);
  other.exec("COMMIT");
  await clock.advance(50);
  await Promise.all(writes);
  assert.equal(order, ["a", "b", "c"]);
  assert.equal(names(file), ["a", "b", "c"]);
});

test("no command runs before the lock is ours, not even one that writes nothing", async ({
  file,
  writer,
}) => {
  const other = lock(file);
  let isRun = false;
  const write = writer.write(() => {
    isRun = true;
  });
  await file.clock.advance(100);
  assert.is(isRun, false);
  other.exec("COMMIT");
  await file.clock.advance(50);
  await write;
  assert.is(isRun, true);
});

test("what a lock held back is worked off in turns, and the event loop gets its own between them", async ({
  file,
  db,
}) => {
  const writer = new Writer(db, systemClock, random);
  const other = lock(file);
  const done: number[] = [];
  const writes = Array.from({ length: 120 }, (_, at) =>
    writer.write(() => {
      for (const endAt = performance.now() + 5; performance.now() < endAt; );
      done.push(at);
    }),
  );
  other.exec("COMMIT");
  const longest = await longestTurn(() => Promise.all(writes));
  assert.ok(longest < FREEZE_MS_MAX, `the event loop stood still for ${longest} ms of at least 600`);
  assert.equal(
    done,
    writes.map((_, at) => at),
  );
});

test("a command that waited for the lock for 5 s is refused, a younger one waits on", async ({
  file,
  writer,
  insert,
}) => {
  const { clock } = file;
  const other = lock(file);
  const old = rejects(
    writer.write(() => put(insert, "old")),
    isUnavailable,
  );
  await clock.advance(2_500);
  const young = writer.write(() => put(insert, "young"));
  await clock.advance(2_600);
  await old;
  other.exec("COMMIT");
  await clock.advance(50);
  assert.is(await young, "young");
  assert.equal(names(file), ["young"]);
});

test("a command waits up to 5 s and no less", async ({ file, writer, insert }) => {
  const { clock } = file;
  const other = lock(file);
  const write = writer.write(() => put(insert, "patient"));
  await clock.advance(4_900);
  other.exec("COMMIT");
  await clock.advance(50);
  assert.is(await write, "patient");
});

test("a write that was refused for the lock makes the storage unready until one commits", async ({
  file,
}) => {
  const { clock } = file;
  const storage = await file.open();
  const other = lock(file);
  const accepted = rejects(storage.accept(eventOf("a"), [runOf()], "conflict"), isUnavailable);
  await clock.advance(5_100);
  await accepted;
  const unready = rejects(storage.checkReady(), isUnavailable);
  await clock.advance(5_100);
  await unready;
  other.exec("COMMIT");
  await storage.checkReady();
});

test("reads are answered while writes wait for the lock", async ({ file }) => {
  const storage = await file.open();
  await storage.accept(eventOf("there"), [runOf("a", { id: "run_there" })], "conflict");
  const other = lock(file);
  const write = storage.accept(eventOf("waits"), [runOf()], "conflict");
  assert.is((await storage.getRun("run_there"))?.status, "queued");
  other.exec("COMMIT");
  await file.clock.advance(50);
  assert.is((await write).kind, "accepted");
});

test("on a full disk every waiter is refused, and after room is made it works again", async ({
  file,
  db,
  writer,
  insert,
}) => {
  const pages = fill(db);
  const results = await writeAll(writer, [
    () => put(insert, "small", 10),
    () => put(insert, "big", 100_000),
    () => put(insert, "after", 10),
  ]);
  for (const result of results) {
    assert.ok(result.status === "rejected" && isUnavailable(result.reason), "a waiter was not refused");
  }
  assert.is(writer.hasFault, true);
  assert.equal(names(file), []);
  db.exec(`PRAGMA max_page_count = ${pages + 1_000}`);
  assert.is(await writer.write(() => put(insert, "again", 100_000)), "again");
  assert.is(writer.hasFault, false);
  assert.equal(names(file), ["again"]);
});

test("on a full disk a duplicate is refused too, since its answer waits for the same commit", async ({
  file,
  db,
  writer,
  insert,
}) => {
  fill(db);
  const results = await writeAll(writer, [
    () => "a duplicate, which writes nothing",
    () => put(insert, "big", 100_000),
  ]);
  assert.equal(
    results.map(({ status }) => status),
    ["rejected", "rejected"],
  );
  assert.equal(names(file), []);
});

test("on a full disk an answer that writes nothing is true, and no proof that the disk is well", async ({
  db,
  writer,
  insert,
}) => {
  const pages = fill(db);
  await rejects(
    writer.write(() => put(insert, "big", 100_000)),
    isUnavailable,
  );
  assert.is(await writer.write(() => "a duplicate"), "a duplicate");
  assert.is(writer.hasFault, true);
  db.exec(`PRAGMA max_page_count = ${pages + 1_000}`);
  await writer.write(() => put(insert, "small", 10));
  assert.is(writer.hasFault, false);
});

test("a full disk found while commands are tried alone refuses only what does not fit", async ({
  file,
  db,
  writer,
  insert,
}) => {
  await writer.write(() => put(insert, "taken"));
  fill(db);
  const results = await writeAll(writer, [
    () => put(insert, "small", 10),
    () => put(insert, "taken"),
    () => put(insert, "big", 100_000),
  ]);
  const [small, taken, big] = results.map((result) => (result.status === "rejected" ? result.reason : null));
  assert.is(small, null);
  assert.match((taken as Error).message, /UNIQUE/);
  assert.ok(isUnavailable(big));
  assert.equal(names(file), ["small", "taken"]);
});

test("a database that may only be read refuses writes, and the storage is not ready until it may be written", async ({
  file,
}) => {
  const open = await openDatabase(file.url, file.clock);
  const storage = new SqliteStorage(file.url, open, file.clock, random);
  await storage.checkReady();
  open.db.exec("PRAGMA query_only = ON");
  await rejects(storage.accept(eventOf("a"), [runOf()], "conflict"), isUnavailable);
  await rejects(storage.checkReady(), isUnavailable);
  open.db.exec("PRAGMA query_only = OFF");
  await storage.checkReady();
  assert.is((await storage.accept(eventOf("a"), [runOf()], "conflict")).kind, "accepted");
  await storage.close();
});

test("a schema that another raised ends all writing, also of what waited", async ({
  file,
  writer,
  insert,
}) => {
  const other = lock(file);
  const waiting = [writer.write(() => put(insert, "a")), writer.write(() => put(insert, "b"))];
  other.exec("PRAGMA user_version = 7");
  other.exec("COMMIT");
  const refusals = waiting.map((write) => rejects(write, isOutdated));
  await file.clock.advance(50);
  await Promise.all(refusals);
  await rejects(
    writer.write(() => put(insert, "c")),
    isOutdated,
  );
  assert.throws(() => writer.checkVersion(), isOutdated);
  assert.equal(names(file), []);
});

test("closing refuses what waits and what comes", async ({ file, writer, insert }) => {
  lock(file);
  const waiting = rejects(
    writer.write(() => put(insert, "waits")),
    isUnavailable,
  );
  writer.close();
  await waiting;
  const coming = rejects(
    writer.write(() => put(insert, "comes")),
    isUnavailable,
  );
  await file.clock.advance(100);
  await coming;
  assert.is(file.clock.pending, 0);
});

test("a checkpoint that fails does not end the writing", async ({ file, db, insert }) => {
  let failures = 0;
  const locking: Database = {
    exec: (sql) => db.exec(sql),
    close: () => db.close(),
    prepare(sql) {
      const statement = db.prepare(sql);
      if (!sql.includes("wal_checkpoint")) return statement;
      const get = () => {
        // Inside a transaction SQLite refuses to checkpoint.
        db.exec("BEGIN IMMEDIATE");
        try {
          return statement.get();
        } catch (error) {
          failures++;
          throw error;
        } finally {
          db.exec("ROLLBACK");
        }
      };
      return { get, run: statement.run.bind(statement), all: statement.all.bind(statement) };
    },
  };
  const writer = new Writer(locking, file.clock, random);
  for (let at = 0; failures === 0 && at < 3_000; at++) await writer.write(() => null);
  assert.is(failures, 1);
  let isDone = false;
  const write = writer
    .write(() => put(insert, "after"))
    .then(() => {
      isDone = true;
    });
  await file.clock.advance(2_000);
  assert.is(isDone, true);
  await write;
});

test("a log above 64 MiB is waited for, but not for long when a reader holds it", async ({
  file,
  writer,
  insert,
}) => {
  const { clock } = file;
  const reader = file.connect();
  reader.exec("BEGIN");
  reader.prepare("SELECT * FROM scratch").all();
  await writeAll(
    writer,
    Array.from({ length: 66 }, (_, at) => () => put(insert, `big ${at}`, 1_048_576)),
  );
  await writeAll(
    writer,
    Array.from({ length: 2_100 }, () => () => null),
  );
  let isDone = false;
  const write = writer.write(() => null).then(() => (isDone = true));
  await until(() => clock.pending > 0, "the writer to wait for a checkpoint");
  assert.is(isDone, false);
  await clock.advance(1_100);
  await write;
  reader.exec("COMMIT");
});

test.run();

/** All in one turn, so that they share a batch. */
function writeAll(
  writer: Writer,
  commands: readonly Command<unknown>[],
): Promise<PromiseSettledResult<unknown>[]> {
  return Promise.allSettled(commands.map((command) => writer.write(command)));
}

function put(insert: Statement, name: string, bytes = 1): string {
  insert.run(name, new Uint8Array(bytes));
  return name;
}

/** What other connections see. */
function names(file: StoredFile): unknown[] {
  return file.rows("SELECT name FROM scratch ORDER BY name").map((row) => row.name);
}

function lock(file: StoredFile): Database {
  const other = file.connect();
  other.exec("BEGIN IMMEDIATE");
  return other;
}

/** Lets the database grow by a few pages only. @returns its present size in pages */
function fill(db: Database): number {
  const pages = Number((db.prepare("PRAGMA page_count").get() as Row).page_count);
  db.exec(`PRAGMA max_page_count = ${pages + 4}`);
  return pages;
}

function isUnavailable(error: unknown): boolean {
  return (error as WebhookError).code === "storage_unavailable";
}

function isOutdated(error: unknown): boolean {
  return (error as WebhookError).code === "storage_outdated";
}

/** The longest time, in real milliseconds, in which the event loop did not turn during the action. */
async function longestTurn(action: () => Promise<unknown>): Promise<number> {
  let isDone = false;
  let longest = 0;
  const watch = async () => {
    for (let last = performance.now(); !isDone; ) {
      await new Promise((resolve) => setImmediate(resolve));
      const now = performance.now();
      longest = Math.max(longest, now - last);
      last = now;
    }
  };
  const watching = watch();
  await action();
  isDone = true;
  await watching;
  return longest;
}
