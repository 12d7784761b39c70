import { suite } from "uvu";
import * as assert from "uvu/assert";
import { nextTurn, systemClock } from "../../lib/clock.ts";
import { defineWorkflow } from "../../lib/define-workflow.ts";
import type { Database, Statement } from "../../lib/storage/sqlite/driver.ts";
import { openDatabase } from "../../lib/storage/sqlite/open.ts";
import { SqliteStorage } from "../../lib/storage/sqlite/sqlite-storage.ts";
import { delivery, openServer, type TestServer } from "../support/open-server.ts";
import { until } from "../support/until.ts";

/** What a delivery costs, counted and not timed, so that a busy machine changes nothing of it. */
interface Costs {
  server: TestServer;
  /** Statements that were run, each time; `BEGIN IMMEDIATE` and the version's look are left to `COMMIT`. */
  statements: string[];
  close(): Promise<void>;
}

const test = suite<Costs>("routes/costs");
test.before.each(async (t) => {
  t.statements = [];
  const open = await openDatabase(":memory:", systemClock);
  const db = counted(open.db, t.statements);
  const storage = new SqliteStorage(":memory:", { ...open, db }, systemClock, () => 0.5);
  t.server = await openServer({ storage, workflows: { any: defineWorkflow({ run: () => "done" }) } });
  t.close = async () => {
    await t.server.close();
    await storage.close();
  };
});
test.after.each((t) => t.close());

test("a run of no steps takes two batches and seven statements: it begins with its accept, and ends", async ({
  server,
  statements,
}) => {
  const { json } = await server.ask(
    "http",
    delivery({ workflow_name: "any", inputs: {}, webhook_id: "warm" }),
  );
  await server.reaches(String(json.run_id), "succeeded");
  statements.length = 0;
  const second = await server.ask("http", delivery({ workflow_name: "any", inputs: {}, webhook_id: "a" }));
  const accepted = take(statements, "COMMIT");
  assert.equal(accepted.map(verb), [
    "INSERT webhook_events",
    "INSERT recent_ids",
    "INSERT runs",
    "INSERT processes",
    "COMMIT",
  ]);
  assert.is(second.status, 202);
  const isOver = (): boolean => statements.some((sql) => sql.startsWith("UPDATE runs"));
  await until(isOver, "the end of the run");
  for (let turn = 0; turn < 20; turn++) await nextTurn();
  assert.equal(statements.map(verb).slice(accepted.length), ["UPDATE runs", "COMMIT"]);
});

test("over our listener a delivery makes no web object", async ({ server }) => {
  const made: string[] = [];
  const names = ["Request", "Response", "Headers", "ReadableStream", "URL"] as const;
  const originals = names.map((name) => [name, globalThis[name]] as const);
  // What the client of this test makes would be counted too, so it speaks over a plain socket.
  const body = JSON.stringify({ workflow_name: "any", inputs: {}, webhook_id: "b" });
  const { headers } = delivery(body);
  const head = Object.entries({ ...headers, host: "a", connection: "close", "content-length": body.length });
  const text = `POST /webhooks/generic HTTP/1.1\r\n${head.map(([name, value]) => `${name}: ${value}`).join("\r\n")}\r\n\r\n${body}`;
  for (const [name, original] of originals) {
    const counting = new Proxy(original, {
      construct(target, given, newTarget) {
        made.push(name);
        return Reflect.construct(target, given, newTarget) as object;
      },
    });
    Reflect.set(globalThis, name, counting);
  }
  try {
    const answer = await server.raw(text);
    // The test's own reading of the answer makes Headers, after all that is counted.
    assert.equal(
      made.filter((name) => name !== "Headers"),
      [],
    );
    assert.is(answer.status, 202);
  } finally {
    for (const [name, original] of originals) Reflect.set(globalThis, name, original);
  }
});

test.run();

/** The statements up to the first that is `last`. */
function take(statements: string[], last: string): string[] {
  return statements.slice(0, statements.indexOf(last) + 1);
}

function verb(sql: string): string {
  return sql.replace(/^\s*(\w+)(?: INTO| FROM)?\s+(\w+)?[\s\S]*$/, "$1 $2").replace(/ undefined$| $/, "");
}

function counted(db: Database, statements: string[]): Database {
  return {
    exec: (sql) => db.exec(sql),
    close: () => db.close(),
    prepare(sql) {
      const statement = db.prepare(sql);
      const isAside = /^(BEGIN|PRAGMA)/.test(sql);
      const count = <T>(call: () => T): T => {
        if (!isAside) statements.push(sql.trim());
        return call();
      };
      const wrapped: Statement = {
        run: (...values) => count(() => statement.run(...values)),
        get: (...values) => count(() => statement.get(...values)),
        all: (...values) => count(() => statement.all(...values)),
      };
      return wrapped;
    },
  };
}
