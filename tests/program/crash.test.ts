import { suite } from "uvu";
import * as assert from "uvu/assert";
import { auditFaults, readAudit, repeats, storedFaults } from "../support/audit.ts";
import { killed, Stage, stopped } from "../support/spawn-server.ts";
import { until } from "../support/until.ts";

/** The program's default. */
const CONCURRENCY = 16;

const test = suite<{ stage: Stage }>("program/crash");
test.before.each(async (t) => {
  t.stage = await Stage.make();
});
test.after.each((t) => t.stage.close());

test("a kill -9 right after the 202 loses nothing, before anything could run", async ({ stage }) => {
  const server = await stage.server({ env: { ROLE: "serve" } });
  const accepted = new Map<string, string>();
  for (let index = 0; index < 5; index++) {
    const { status, json } = await server.deliver("audited", { webhookId: `id-${index}` });
    assert.is(status, 202);
    accepted.set(`id-${index}`, String(json.run_id));
  }
  await killed(server);
  assert.equal(readAudit(stage.auditPath), []);

  const next = await stage.server();
  for (const runId of accepted.values()) await next.reaches(runId, "succeeded");
  await stopped(next);
  assert.equal(storedFaults(stage.file, accepted), []);
  assert.equal(auditFaults(readAudit(stage.auditPath)), []);
});

test("a step that returned before the kill -9 is not done again, and the restart resumes at once", async ({
  stage,
}) => {
  const gate = stage.gate();
  // As by default, death by silence takes 10 s here: only the pid that is gone is quicker.
  const timing = { lookMs: 2_000, looksUntilDeath: 5 };
  const first = await stage.server({ timing });
  const runId = await first.start("gated", { gate, isDeaf: true });
  await until(
    () => readAudit(stage.auditPath).some((line) => line.step === "gate"),
    "the second step to begin",
  );
  await killed(first);
  assert.is(stage.file.rows("SELECT status FROM runs")[0]?.status, "running");

  await stage.openGate(gate);
  const next = await stage.server({ timing });
  const startedAt = performance.now();
  const run = await next.reaches(runId, "succeeded");
  const resumedMs = performance.now() - startedAt;
  assert.ok(resumedMs < 6_000, `resumed after ${resumedMs} ms, which is not at once`);
  assert.equal(
    run.attempts.map((attempt) => attempt.status),
    ["interrupted", "succeeded"],
  );
  const lines = readAudit(stage.auditPath);
  const begun = lines.filter(({ what }) => what === "began").map(({ step }) => step);
  assert.equal(begun, ["first", "gate", "gate", "last"]);
  assert.equal(auditFaults(lines), []);
});

test("a sleep goes on through a kill -9 and ends at its time, not later and not earlier", async ({
  stage,
}) => {
  const napMs = 5_000; // longer than a restart takes on a busy machine
  const first = await stage.server();
  const runId = await first.start("napper", { nap: napMs });
  await until(async () => (await first.run(runId)).waiting_for === "sleep", "the run to sleep");
  await killed(first);

  const next = await stage.server();
  const waiting = await next.run(runId);
  assert.equal([waiting.status, waiting.waiting_for], ["queued", "sleep"]);
  const dueAt = Date.parse(waiting.due_at ?? "");
  const run = await next.reaches(runId, "succeeded");
  const { before, after } = run.result as { before: number; after: number };
  assert.ok(after >= dueAt, `woke ${dueAt - after} ms too early`);
  assert.ok(after < dueAt + 2_000, `woke ${after - dueAt} ms too late`);
  assert.ok(after - before >= napMs);
  assert.equal(
    run.attempts.map((attempt) => attempt.status),
    ["slept", "succeeded"],
  );
  assert.equal(auditFaults(readAudit(stage.auditPath)), []);
});

test("a sleep that came due while nothing ran ends right after the restart", async ({ stage }) => {
  const first = await stage.server();
  const runId = await first.start("napper", { nap: 500 });
  await until(async () => (await first.run(runId)).waiting_for === "sleep", "the run to sleep");
  const dueAt = Date.parse((await first.run(runId)).due_at ?? "");
  await killed(first);
  await until(() => Date.now() > dueAt, "the sleep to come due");
  const next = await stage.server();
  const startedAt = performance.now();
  await next.reaches(runId, "succeeded");
  assert.ok(performance.now() - startedAt < 5_000);
});

test("a kill -9 in the middle of a shutdown loses nothing", async ({ stage }) => {
  const gate = stage.gate();
  const first = await stage.server();
  const runIds = await Promise.all(
    Array.from({ length: 20 }, () => first.start("gated", { gate, isDeaf: true })),
  );
  await until(
    () => readAudit(stage.auditPath).filter((line) => line.step === "gate").length === CONCURRENCY,
    "all slots to be taken",
  );
  first.kill("SIGTERM");
  await until(() => first.said.stderr.includes('"stopping"'), "the shutdown to begin");
  await killed(first);

  await stage.openGate(gate);
  const next = await stage.server();
  for (const runId of runIds) await next.reaches(runId, "succeeded");
  await stopped(next);
  const lines = readAudit(stage.auditPath);
  assert.equal(storedFaults(stage.file, new Map()), []);
  assert.equal(auditFaults(lines), []);
  assert.is(repeats(lines), CONCURRENCY);
});

test.run();
