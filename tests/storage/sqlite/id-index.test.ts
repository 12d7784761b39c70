import { copyFile } from "node:fs/promises";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { Storage } from "../../../lib/repositories.ts";
import type { Database, Row, Statement } from "../../../lib/storage/sqlite/driver.ts";
import { openDatabase } from "../../../lib/storage/sqlite/open.ts";
import { SqliteStorage } from "../../../lib/storage/sqlite/sqlite-storage.ts";
import { randomOf } from "../../support/random.ts";
import { eventOf, runOf, StoredFile } from "../../support/stored.ts";

type T = { file: StoredFile; opened: Storage[] };
const test = suite<T>("storage/sqlite/id-index");
test.before.each(async (t) => {
  t.file = await StoredFile.make();
  t.opened = [];
});
test.after.each(async (t) => {
  for (const storage of t.opened) await storage.close();
  await t.file.close();
});

async function open(t: T, idsCollectedMax: number, url: string = t.file.url): Promise<Storage> {
  const given = await openDatabase(url, t.file.clock);
  const storage = new SqliteStorage(url, given, t.file.clock, () => 0.5, { idsCollectedMax });
  t.opened.push(storage);
  return storage;
}

const accept = async (storage: Storage, id: string): Promise<string> =>
  (await storage.accept(eventOf(id), [runOf()], "conflict")).kind;

for (const seed of [1, 2, 3, 4, 5, 6]) {
  test(`two processes and their restarts take each id once, whatever is moved between (seed ${seed})`, async (t) => {
    const random = randomOf(seed);
    const pick = (count: number): number => Math.floor(random() * count);
    const storages = [await open(t, 7), await open(t, 7)];
    const accepted = new Set<string>();
    const marked = new Set<string>();
    for (let round = 0; round < 250; round++) {
      const at = pick(2);
      const storage = storages[at] as Storage;
      const ids = Array.from({ length: 1 + pick(6) }, () => `id ${pick(400)}`);
      const doing = random();
      if (doing < 0.6) {
        // Several in one transaction, copies within it too.
        const kinds = await Promise.all(ids.map((id) => accept(storage, id)));
        for (const [index, id] of ids.entries()) {
          assert.is(kinds[index], accepted.has(id) ? "duplicate" : "accepted", `round ${round}: ${id}`);
          accepted.add(id);
        }
      } else if (doing < 0.75) {
        for (const id of ids) {
          assert.is(
            await storage.webhookEvents.markProcessed(id),
            !marked.has(id),
            `round ${round}: mark ${id}`,
          );
          marked.add(id);
        }
      } else if (doing < 0.9) {
        for (const id of ids) {
          await storage.webhookEvents.unmarkProcessed(id);
          marked.delete(id);
        }
      } else if (doing < 0.95) {
        for (const id of ids) {
          const isThere = accepted.has(id) || marked.has(id);
          assert.is(await storage.webhookEvents.isProcessed(id), isThere, `round ${round}: ${id}`);
        }
      } else {
        await storage.close();
        storages[at] = await open(t, 7);
      }
    }
    assert.is(t.file.count("webhook_events WHERE id_source = 'body'"), accepted.size);
    assert.is(t.file.count("webhook_events WHERE id_source = 'mark'"), marked.size);
    assert.ok(t.file.count("id_hashes") > 100, "most ids were moved");
    assert.ok(t.file.count("recent_ids") < 100, "and what was moved is not kept twice");
  });
}

test("whatever a crash leaves in the file, no id that was committed is taken again", async (t) => {
  const storage = await open(t, 16);
  const ids: string[] = [];
  for (let round = 0; round < 60; round++) {
    const more = Array.from({ length: 4 }, (_, at) => `id ${round} ${at}`);
    await Promise.all(more.map((id) => accept(storage, id)));
    ids.push(...more);
    if (round % 4 !== 0) continue;
    const copy = join(t.file.folder, `copy-${round}.db`);
    await copyFile(t.file.path, copy);
    await copyFile(`${t.file.path}-wal`, `${copy}-wal`);
    const after = await open(t, 16, `file:${copy}`);
    for (const id of ids) assert.is(await accept(after, id), "duplicate", `round ${round}: ${id}`);
    assert.is(await accept(after, "new"), "accepted");
  }
});

test("a batch that is rolled back in the middle of a move loses no id and moves none twice", async (t) => {
  const storage = await open(t, 8);
  const broken = { ...eventOf("broken"), provider: null as unknown as string };
  for (let round = 0; round < 20; round++) {
    const ids = Array.from({ length: 5 }, (_, at) => `id ${round} ${at}`);
    const outcomes = await Promise.allSettled([
      ...ids.map((id) => accept(storage, id)),
      storage.accept(broken, [], "conflict"),
    ]);
    assert.is(outcomes.at(-1)?.status, "rejected");
    assert.equal(
      outcomes
        .slice(0, -1)
        .map((outcome) => (outcome.status === "fulfilled" ? outcome.value : outcome.reason)),
      ids.map(() => "accepted"),
    );
    for (const id of ids) assert.is(await accept(storage, id), "duplicate");
  }
  const again = await open(t, 8);
  for (let round = 0; round < 20; round++) {
    for (let at = 0; at < 5; at++) assert.is(await accept(again, `id ${round} ${at}`), "duplicate");
  }
});

test("ids that a rolled-back transaction took hide none that another process takes after it", async (t) => {
  const [one, other] = [await open(t, 100), await open(t, 100)];
  await accept(one, "first");
  const broken = runOf(null as unknown as string);
  const outcomes = await Promise.allSettled(
    ["a", "b", "c"].map((id) => one.accept(eventOf(id), [broken], "conflict")),
  );
  assert.equal(
    outcomes.map(({ status }) => status),
    Array(3).fill("rejected"),
  );
  for (const id of ["x", "a", "y"]) assert.is(await accept(other, id), "accepted");
  for (const id of ["x", "a", "y"]) assert.is(await accept(one, id), "duplicate");
  assert.is(await accept(one, "b"), "accepted");
});

/** A connection of which one statement is another one. */
function withStatement(
  db: Database,
  isIt: (sql: string) => boolean,
  other: (own: Statement) => Statement,
): Database {
  return {
    exec: (sql) => db.exec(sql),
    close: () => db.close(),
    prepare: (sql) => (isIt(sql) ? other(db.prepare(sql)) : db.prepare(sql)),
  };
}

for (const isAdding of [true, false])
  test(`while another process writes beside it, a process that ${isAdding ? "takes ids reads each once or twice" : "only runs reads none"}`, async (t) => {
    const given = await openDatabase(t.file.url, t.file.clock);
    let [calls, rows] = [0, 0];
    const counted = (own: Statement): Statement => ({
      run: (...values) => own.run(...values),
      all: (...values) => own.all(...values),
      get(...values) {
        const row = own.get(...values) as Row;
        calls++;
        rows += (JSON.parse(String(row.hashes)) as unknown[]).length;
        return row;
      },
    });
    const db = withStatement(given.db, (sql) => sql.includes("FROM recent_ids WHERE n > ?"), counted);
    const one = new SqliteStorage(t.file.url, { ...given, db }, t.file.clock, () => 0.5, {
      idsCollectedMax: 20,
    });
    t.opened.push(one);
    const other = await open(t, 20);
    for (let round = 0; round < 200; round++) {
      // Each in a transaction of its own, in turn.
      if (isAdding) await Promise.all([1, 2].map((at) => accept(one, `one ${round} ${at}`)));
      else await one.beat("p1");
      await other.accept(eventOf(isAdding ? null : `other ${round}`), [], "conflict");
    }
    const taken = isAdding ? 400 : 200;
    assert.ok(t.file.count("id_hashes") > taken - 100, "most ids were moved");
    if (!isAdding) return assert.is(calls, 0);
    assert.ok(rows < 2 * taken, `${rows} rows were read of ${taken}`);
    assert.ok(calls <= 2 * 200, `they were asked for ${calls} times in 200 rounds`);
  });

test("what a commit that fails had moved is moved again", async (t) => {
  const given = await openDatabase(t.file.url, t.file.clock);
  let isFull = false;
  const failing = (own: Statement): Statement => ({
    get: () => own.get(),
    all: () => own.all(),
    run() {
      if (!isFull) return own.run();
      given.db.exec("ROLLBACK"); // as SQLite does by itself where the disk is full
      throw Object.assign(new Error("database or disk is full"), { code: "SQLITE_FULL" });
    },
  });
  const db = withStatement(given.db, (sql) => sql === "COMMIT", failing);
  const storage = new SqliteStorage(t.file.url, { ...given, db }, t.file.clock, () => 0.5, {
    idsCollectedMax: 20,
  });
  t.opened.push(storage);
  const accepted: string[] = [];
  for (let round = 0; round < 40; round++) {
    isFull = round % 3 === 1;
    const ids = Array.from({ length: 3 }, (_, at) => `id ${round} ${at}`);
    const outcomes = await Promise.allSettled(ids.map((id) => accept(storage, id)));
    assert.equal(
      outcomes.map(({ status }) => status),
      Array(3).fill(isFull ? "rejected" : "fulfilled"),
    );
    if (!isFull) accepted.push(...ids);
  }
  isFull = false;
  assert.ok(t.file.count("id_hashes") >= 40);
  const again = await open(t, 20);
  for (const id of accepted) assert.is(await accept(again, id), "duplicate", id);
});

/** A connection whose statements of one kind fail at times, before or after they have done their work. */
function failsAt(isIt: (sql: string) => boolean, isDone: boolean, isFailing: () => boolean) {
  const fail = (call: () => unknown): never => {
    if (isDone) call();
    throw Object.assign(new Error("disk I/O error"), { code: "SQLITE_IOERR" });
  };
  return (db: Database): Database =>
    withStatement(db, isIt, (own) => ({
      run: (...values) => (isFailing() ? fail(() => own.run(...values)) : own.run(...values)),
      get: (...values) => (isFailing() ? fail(() => own.get(...values)) : own.get(...values)),
      all: (...values) => own.all(...values),
    }));
}

for (const { what, isIt, isDone } of [
  {
    what: "a commit that was made is reported as failed",
    isIt: (sql: string) => sql === "COMMIT",
    isDone: true,
  },
  {
    what: "a transaction fails before it looks at the ids",
    isIt: (sql: string) => sql === "PRAGMA user_version",
    isDone: false,
  },
])
  test(`where ${what}, no id is taken again, whatever was being moved`, async (t) => {
    const given = await openDatabase(t.file.url, t.file.clock);
    let isFailing = false;
    const db = failsAt(isIt, isDone, () => isFailing)(given.db);
    const options = { idsCollectedMax: 4 };
    const storage = new SqliteStorage(t.file.url, { ...given, db }, t.file.clock, () => 0.5, options);
    t.opened.push(storage);
    const stored: string[] = [];
    for (let round = 0; round < 60; round++) {
      stored.push(`id ${round}`);
      assert.is(await accept(storage, `id ${round}`), "accepted");
      isFailing = true;
      assert.is(await accept(storage, `late ${round}`).catch(() => "unavailable"), "unavailable");
      isFailing = false;
      if (isDone) stored.push(`late ${round}`);
      for (const id of stored) assert.is(await accept(storage, id), "duplicate", `round ${round}: ${id}`);
    }
  });

test("an id that was given back in a transaction that failed is still taken", async (t) => {
  const given = await openDatabase(t.file.url, t.file.clock);
  let isFailing = false;
  const db = failsAt(
    (sql) => sql === "COMMIT",
    false,
    () => isFailing,
  )(given.db);
  const storage = new SqliteStorage(t.file.url, { ...given, db }, t.file.clock, () => 0.5);
  t.opened.push(storage);
  await storage.webhookEvents.markProcessed("a");
  isFailing = true;
  assert.is(
    await storage.webhookEvents.unmarkProcessed("a").then(
      () => "done",
      () => "unavailable",
    ),
    "unavailable",
  );
  isFailing = false;
  assert.is(await storage.webhookEvents.isProcessed("a"), true);
  assert.is(await storage.webhookEvents.markProcessed("a"), false);
});

test("an event that retention deletes takes its id out of the index, before and while it is moved", async (t) => {
  const storage = await open(t, 30);
  const kept = eventOf("kept", { acceptedAt: 9_000 });
  // The first 30 are a lot of which some are moved, the rest are collected.
  for (let at = 0; at < 40; at++) await storage.accept(eventOf(`id ${at}`), [], "conflict");
  await storage.accept(kept, [], "conflict");
  const old = { now: 10_000, eraseBefore: 5_000, deleteBefore: 5_000, marksBefore: 0, limit: 200 };
  await storage.cleanup(old);
  await storage.cleanup(old);
  assert.is(t.file.count("webhook_events"), 1);
  for (let at = 0; at < 100; at++) assert.is(await accept(storage, `id ${at}`), "accepted");
  assert.ok(t.file.count("id_hashes") > 60);
  assert.is(t.file.count("id_hashes WHERE seq NOT IN (SELECT seq FROM webhook_events)"), 0);
});

test("a delivery writes half a page to the log, however many ids are stored", async (t) => {
  const storage = await open(t, 4_096);
  const batch = (from: number): Promise<string[]> =>
    Promise.all(Array.from({ length: 64 }, (_, at) => accept(storage, `id ${from + at}`)));
  for (let from = 0; from < 20_000; from += 64) await batch(from);
  const db = t.file.connect();
  const pages = (): number => Number((db.prepare("PRAGMA wal_checkpoint(PASSIVE)").get() as Row).log);
  pages(); // all of it is copied, so the next commit begins the log anew
  for (let from = 20_000; from < 20_000 + 640; from += 64) await batch(from);
  const perDelivery = pages() / 640;
  assert.ok(perDelivery < 0.5, `${perDelivery} pages a delivery`);
});

test.run();
