import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { Storage } from "../../../lib/repositories.ts";
import type { Database, Row } from "../../../lib/storage/sqlite/driver.ts";
import { openDatabase } from "../../../lib/storage/sqlite/open.ts";
import { SqliteStorage } from "../../../lib/storage/sqlite/sqlite-storage.ts";
import { firstPage, StoredFile } from "../../support/stored.ts";

const TABLES = "runs|webhook_events|steps|attempts|replays|processes|recent_ids|id_hashes|id_moves|guards";

/** A database that remembers what was prepared on it. */
interface Recorded {
  db: Database;
  storage: Storage;
  prepared: Set<string>;
}

const test = suite<{ file: StoredFile } & Recorded>("storage/sqlite/queries");
test.before.each(async (t) => {
  t.file = await StoredFile.make();
  const open = await openDatabase(t.file.url, t.file.clock);
  const prepared = new Set<string>();
  const recording: Database = {
    exec: (sql) => open.db.exec(sql),
    close: () => open.db.close(),
    prepare(sql) {
      prepared.add(sql.replaceAll(/\s+/g, " ").trim());
      return open.db.prepare(sql);
    },
  };
  const storage = new SqliteStorage(t.file.url, { ...open, db: recording }, t.file.clock, () => 0.5);
  Object.assign(t, { db: open.db, storage, prepared });
});
test.after.each(async (t) => {
  await t.storage.close();
  await t.file.close();
});

test("no statement of the storage reads a whole table", ({ db, prepared }) => {
  const planned = [...prepared].filter((sql) => /^(SELECT|INSERT|UPDATE|DELETE)/.test(sql));
  assert.ok(planned.length > 40, `saw only ${planned.length} statements`);
  for (const sql of planned) assert.equal(scans(db, sql), [], sql);
});

/** What decides how fast a full queue is worked off: each by a part of its text, with the index that it has to use. */
const hot: readonly [what: string, text: string, index: RegExp][] = [
  ["where an id may be", "SELECT seq FROM id_hashes", /PRIMARY KEY \(hash=\?\)/],
  ["the id of a delivery", "WHERE seq = ? AND id_key = ?", /INTEGER PRIMARY KEY \(rowid=\?\)/],
  [
    "a guard's value",
    "FROM guards WHERE event_seq = ? AND guard_key = ?",
    /guards USING PRIMARY KEY \(event_seq=\? AND guard_key=\?\)/,
  ],
  ["the guards of an event", "SELECT guard_key FROM guards", /guards USING PRIMARY KEY \(event_seq=\?\)/],
  ["new ids", "FROM recent_ids WHERE n > ?", /INTEGER PRIMARY KEY \(rowid>\? AND rowid<\?\)/],
  ["ids that were moved", "DELETE FROM recent_ids", /INTEGER PRIMARY KEY \(rowid<\?\)/],
  [
    "an event by its id",
    "body_hash, erased_at FROM webhook_events WHERE id = ?",
    /USING INDEX \S+ \(id=\?\)/,
  ],
  [
    "ready runs",
    "due_at IS NULL ORDER BY seq LIMIT ?",
    /USING INDEX runs_ready|USING COVERING INDEX runs_ready/,
  ],
  ["timed runs", "due_at <= ? ORDER BY due_at LIMIT ?", /INDEX runs_timed \(workflow_name=\? AND due_at/],
  ["the next due time", "min(due_at)", /INDEX runs_timed \(workflow_name=\? AND due_at>\?\)/],
  ["a workflow's limit", "AS running FROM runs", /COVERING INDEX runs_owned \(owner>\?\)/],
  ["a run to claim", "SET status = 'running'", /INTEGER PRIMARY KEY \(rowid=\?\)/],
  ["the runs of a process", "FROM runs WHERE owner = ?", /INDEX runs_owned \(owner=\?\)/],
  ["the owners", "SELECT DISTINCT owner", /COVERING INDEX runs_owned/],
  [
    "a run's steps",
    "due_at, ended_at FROM steps WHERE run_seq = ?",
    /steps USING PRIMARY KEY \(run_seq=\?\)/,
  ],
  ["a step to store", "INSERT INTO steps", /USING INDEX \S+ \(id=\?\)/],
  ["an attempt's end", "attempt_settled_at = ? WHERE id = ? AND fence = ?", /USING INDEX \S+ \(id=\?\)/],
  [
    "an earlier attempt",
    "UPDATE attempts SET settled_at",
    /attempts USING PRIMARY KEY \(run_seq=\? AND fence=\?\)/,
  ],
  [
    "an event's runs",
    "workflow_name, status FROM runs WHERE event_seq = ?",
    /USING INDEX \S+ \(event_seq=\?\)/,
  ],
  ["unfinished runs of an event", "status IN ('queued', 'running') LIMIT 1", /\(event_seq=\?\)/],
  ["an id by provider", "AND provider = ? ORDER BY seq LIMIT 1", /INTEGER PRIMARY KEY \(rowid=\?\)/],
  ["a bound id by provider", "WHERE bound_id = ?", /INDEX webhook_events_by_bound_id \(bound_id=\?\)/],
  ["events to erase", "e.erased_at IS NULL AND e.id_source", /INDEX webhook_events_kept \(accepted_at<\?\)/],
  ["events to delete", "e.erased_at IS NOT NULL", /INDEX webhook_events_erased \(accepted_at<\?\)/],
];

for (const [what, text, index] of hot) {
  test(`${what} ${what.endsWith("s") ? "are" : "is"} found by the index that is meant for it`, ({
    db,
    prepared,
  }) => {
    const statements = [...prepared].filter((sql) => sql.includes(text));
    assert.ok(statements.length > 0, `nothing is prepared that has ${text}`);
    for (const sql of statements) {
      const plan = planOf(db, sql);
      assert.ok(
        plan.some((line) => index.test(line)),
        `${sql}\n${plan.join("\n")}`,
      );
    }
  });
}

test("what a claim reads is in order already, without a sort", ({ db, prepared }) => {
  for (const sql of [...prepared].filter((sql) => /LIMIT \?\)?$/.test(sql))) {
    assert.not.match(planOf(db, sql).join("\n"), /TEMP B-TREE/, sql);
  }
});

test("the plans are the same once SQLite has statistics of a full table", ({ db, prepared }) => {
  db.exec(`
    WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
    INSERT INTO webhook_events (id, provider, accepted_at) SELECT 'evt_' || i, 'generic', i FROM n;
    INSERT INTO runs (id, event_seq, workflow_name, replay, status, created_at, ended_at)
    SELECT 'run_' || seq, seq, 'w' || (seq % 3), 0, 'succeeded', seq, seq FROM webhook_events;
    ANALYZE`);
  for (const [, text, index] of hot.filter(([what]) => /runs|due|limit/.test(what))) {
    for (const sql of [...prepared].filter((sql) => sql.includes(text))) {
      const plan = planOf(db, sql);
      assert.ok(
        plan.some((line) => index.test(line)),
        `${sql}\n${plan.join("\n")}`,
      );
    }
  }
});

/** Lists walk a table from its newest row and stop at their LIMIT: the filters that may walk far, and over what. */
const walks: readonly [
  what: string,
  list: (storage: Storage) => Promise<unknown>,
  over: readonly string[],
][] = [
  ["all runs", (s) => s.listRuns({ ...runs }), ["r"]],
  ["runs of a time", (s) => s.listRuns({ ...runs, since: 1, until: 2 }), ["r"]],
  ["queued runs", (s) => s.listRuns({ ...runs, status: "queued" }), ["r"]],
  ["running runs", (s) => s.listRuns({ ...runs, status: "running" }), ["r"]],
  ["succeeded runs", (s) => s.listRuns({ ...runs, status: "succeeded" }), ["r"]],
  ["failed runs", (s) => s.listRuns({ ...runs, status: "failed" }), ["r USING INDEX runs_failed"]],
  ["cancelled runs", (s) => s.listRuns({ ...runs, status: "cancelled" }), ["r USING INDEX runs_cancelled"]],
  ["runs of a workflow", (s) => s.listRuns({ ...runs, workflowName: "a" }), []],
  ["runs of an event", (s) => s.listRuns({ ...runs, eventId: "e" }), []],
  ["runs of an event and a workflow", (s) => s.listRuns({ ...runs, eventId: "e", workflowName: "a" }), []],
  ["all events", (s) => s.listEvents({ ...events }), ["e"]],
  ["events of a time", (s) => s.listEvents({ ...events, since: 1, until: 2 }), ["e"]],
  ["events of a provider", (s) => s.listEvents({ ...events, provider: "p" }), ["e"]],
  ["events of a webhook_id", (s) => s.listEvents({ ...events, webhookId: "w" }), []],
  [
    "events of a webhook_id at a provider",
    (s) => s.listEvents({ ...events, provider: "p", webhookId: "w" }),
    [],
  ],
];
const runs = { ...firstPage, workflowName: null, status: null, eventId: null };
const events = { ...firstPage, provider: null, webhookId: null };

for (const [what, list, over] of walks) {
  test(`a list of ${what} ${over.length === 0 ? "walks no table" : "walks its table, newest first, without a sort"}`, async ({
    db,
    storage,
    prepared,
  }) => {
    const before = new Set(prepared);
    await list(storage);
    const [sql = "", ...more] = [...prepared].filter((each) => !before.has(each));
    assert.equal(more, []);
    assert.equal(scans(db, sql), over);
    if (over.length > 0) assert.not.match(planOf(db, sql).join("\n"), /TEMP B-TREE/);
  });
}

test("a list of the runs of an event and a workflow starts from the event", async ({
  db,
  storage,
  prepared,
}) => {
  await storage.listRuns({ ...runs, eventId: "e", workflowName: "a" });
  const sql = [...prepared].find((each) => each.includes("r.workflow_name = ?")) ?? "";
  assert.match(planOf(db, sql).join("\n"), /\(event_seq=\?/);
});

test.run();

/** What SQLite would do for a statement, a line a step. */
function planOf(db: Database, sql: string): string[] {
  const values = Array.from(sql.matchAll(/\?/g), () => null);
  return (db.prepare(`EXPLAIN QUERY PLAN ${sql}`).all(...values) as Row[]).map((row) => String(row.detail));
}

/** The tables, by name or alias, that a statement walks, with the index it walks along. */
function scans(db: Database, sql: string): string[] {
  const tables = new Set([...sql.matchAll(new RegExp(`\\b(?:${TABLES})\\b(?: (\\w)\\b)?`, "g"))].flat());
  return planOf(db, sql)
    .flatMap((line) => /^SCAN (.+)$/.exec(line)?.[1] ?? [])
    .filter((what) => tables.has(what.split(" ")[0] ?? ""));
}
