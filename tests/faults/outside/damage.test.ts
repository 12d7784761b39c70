import { type FileHandle, open, readFile } from "node:fs/promises";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { type SpawnedServer, Stage, stopped } from "../../support/spawn-server.ts";
import { until } from "../../support/until.ts";
import { assertOurFault, deliver, logged, probes } from "./sender.ts";

const PAGE_BYTES = 4_096;

const test = suite<{ stage: Stage; server: SpawnedServer; old: string }>("faults/outside/damage");
test.before.each(async (t) => {
  t.stage = await Stage.make();
  t.server = await t.stage.server();
  const seen = await deliver(t.server, "audited", "old");
  t.old = String(seen.json.run_id);
  await t.server.reaches(t.old, "succeeded");
});
test.after.each(({ stage }) => stage.close());

/**
 * Writes over the first page of a table under everybody who has the file open, and has all of them read anew.
 *
 * @returns puts the page back
 */
async function damage({ file }: Stage, table: string): Promise<() => Promise<void>> {
  const db = file.connect();
  db.exec("PRAGMA busy_timeout = 5000; PRAGMA wal_checkpoint(TRUNCATE)");
  db.close();
  const [row] = file.rows(`SELECT rootpage FROM sqlite_schema WHERE name = '${table}'`);
  const at = (Number(row?.rootpage) - 1) * PAGE_BYTES;
  const whole = (await readFile(file.path)).subarray(at, at + PAGE_BYTES);
  const put = async (page: Uint8Array): Promise<void> => {
    const handle: FileHandle = await open(file.path, "r+");
    await handle.write(page, 0, PAGE_BYTES, at);
    await handle.close();
    // Another process's commit is what makes SQLite forget the pages that it keeps in memory.
    const other = file.connect();
    other.exec("PRAGMA busy_timeout = 5000");
    other.exec(
      "INSERT INTO probes (id, writes) VALUES (1, 1) ON CONFLICT (id) DO UPDATE SET writes = writes + 1",
    );
    other.close();
  };
  await put(new Uint8Array(PAGE_BYTES).fill(0xa5));
  return () => put(whole);
}

for (const table of ["webhook_events", "runs"]) {
  test(`a page of ${table} that is torn under a running server is 503 and no end, and with the page back all goes on`, async ({
    stage,
    server,
    old,
  }) => {
    const repair = await damage(stage, table);
    assertOurFault(await deliver(server, "quick", "during"));
    assertOurFault(await deliver(server, "audited", "old"));
    assert.equal(await probes(server), { health: 200, ready: 503 });
    assert.is((await server.ask("GET", `/runs/${old}`)).status, 503);
    assert.match(JSON.stringify(logged(server, "request failed")[0]), /malformed|damaged/);
    assert.is(server.end, null);

    await repair();
    assert.equal(await probes(server), { health: 200, ready: 200 });
    const again = await deliver(server, "quick", "during");
    assert.is(again.status, 202);
    await server.reaches(String(again.json.run_id), "succeeded");
    const copy = await deliver(server, "audited", "old");
    assert.equal([copy.status, copy.json.run_id], [200, old]);
    await stopped(server);
    assert.equal(stage.file.rows("PRAGMA integrity_check"), [{ integrity_check: "ok" }]);
  });
}

test("a page that only some runs need harms those: deliveries are accepted, and the server is ready", async ({
  stage,
  server,
  old,
}) => {
  const repair = await damage(stage, "steps");
  assert.is((await server.ask("GET", `/runs/${old}`)).status, 503);
  const other = await deliver(server, "quick", "other");
  assert.is(other.status, 202);
  const stepped = await deliver(server, "audited", "stepped");
  assert.is(stepped.status, 202);
  await until(() => logged(server, "storage refuses, trying again").length > 0, "the step to be refused");
  assert.is(server.end, null);
  await repair();
  const run = await server.reaches(String(stepped.json.run_id), "succeeded");
  assert.is(run.attempts.length, 1);
  await server.reaches(String(other.json.run_id), "succeeded");
});

test("a damage that is there at the start is no crash loop: it starts, and says 503 and why", async ({
  stage,
  server,
}) => {
  await stopped(server);
  await damage(stage, "runs");
  const next = await stage.server({ env: { ROLE: "serve" } });
  assert.equal(await probes(next), { health: 200, ready: 503 }, "before a delivery has found it");
  assertOurFault(await deliver(next, "quick", "during"));
  assert.equal(await probes(next), { health: 200, ready: 503 });
  assert.match(JSON.stringify(logged(next, "request failed")[0]), /malformed|damaged/);
  const lines = next.said.stderr.split("\n").length;
  assert.ok(lines < 50, `it wrote ${lines} lines`);
  await stopped(next);
});

test.run();
