import { writeFile } from "node:fs/promises";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { auditFaults, readAudit, storedFaults } from "../support/audit.ts";
import { Stage, stopped } from "../support/spawn-server.ts";
import { until } from "../support/until.ts";

const test = suite<{ stage: Stage }>("program/shutdown");
test.before.each(async (t) => {
  t.stage = await Stage.make();
});
test.after.each((t) => t.stage.close());

test("SIGTERM under load: every 202 has a run, and what was awake goes on at the next start", async ({
  stage,
}) => {
  const server = await stage.server({ env: { SHUTDOWN_GRACE: "3s" } });
  const accepted = new Map<string, string>();
  const deliveries = Array.from({ length: 100 }, async (_, index) => {
    const answer = await server
      .deliver("audited", { inputs: { steps: 2 }, webhookId: `id-${index}` })
      .catch(() => null);
    if (answer?.status === 202) accepted.set(`id-${index}`, String(answer.json.run_id));
  });
  await until(() => accepted.size > 5, "some to be accepted");
  server.kill("SIGTERM");
  await Promise.all(deliveries);
  assert.equal(await server.ended(), { code: 0, signal: null });
  const next = await stage.server();
  for (const id of accepted.values()) await next.reaches(id, "succeeded");
  await stopped(next);
  assert.equal(storedFaults(stage.file, accepted), []);
  assert.equal(auditFaults(readAudit(stage.auditPath)), []);
});

test("an attempt that outlasts the grace is interrupted, uncounted, and resumed after its finished steps", async ({
  stage,
}) => {
  const server = await stage.server({ env: { SHUTDOWN_GRACE: "2500ms" } });
  const gate = stage.gate();
  const id = await server.start("gated", { gate });
  await until(
    () => readAudit(stage.auditPath).some((line) => line.step === "gate"),
    "the gate to be reached",
  );
  server.kill("SIGTERM");
  assert.equal(await server.ended(), { code: 0, signal: null });
  await writeFile(gate, "");
  const next = await stage.server();
  const run = await next.reaches(id, "succeeded");
  assert.equal(
    run.attempts.map((attempt) => attempt.status),
    ["interrupted", "succeeded"],
  );
  const began = readAudit(stage.auditPath).filter((line) => line.what === "began");
  assert.is(began.filter((line) => line.step === "first").length, 1);
});

test("kill -9 in the middle of a shutdown equals a crash", async ({ stage }) => {
  const server = await stage.server();
  const gate = stage.gate();
  const id = await server.start("gated", { gate, isDeaf: true });
  await server.reaches(id, "running");
  server.kill("SIGTERM");
  await until(() => server.said.stderr.includes('"stopping"'), "the shutdown to begin");
  server.kill("SIGKILL");
  await server.ended();
  await writeFile(gate, "");
  await (await stage.server()).reaches(id, "succeeded");
});

test("a second signal ends it at once", async ({ stage }) => {
  const server = await stage.server();
  const id = await server.start("gated", { gate: stage.gate(), isDeaf: true });
  await server.reaches(id, "running");
  server.kill("SIGTERM");
  await until(() => server.said.stderr.includes('"stopping"'), "the shutdown to begin");
  server.kill("SIGINT");
  assert.is((await server.ended()).code, 130);
});

test("who waits for a result is answered at once, nobody new is let in, and it ends when the last attempt does", async ({
  stage,
}) => {
  const server = await stage.server({ env: { SHUTDOWN_GRACE: "20s" } });
  const gate = stage.gate();
  const waiting = server.deliver("gated", {
    inputs: { gate, isDeaf: true },
    webhookId: "waits",
    headers: { prefer: "wait=60" },
  });
  await until(
    () => readAudit(stage.auditPath).some((line) => line.step === "gate"),
    "the gate to be reached",
  );
  server.kill("SIGTERM");
  const answer = await waiting;
  assert.equal([answer.status, answer.json.run_status], [202, "running"]);
  const late = await fetch(`${server.origin}/ready`).catch(() => null);
  assert.is(late, null);
  assert.is(server.end, null);

  await writeFile(gate, "");
  const openedAt = performance.now();
  assert.equal(await server.ended(), { code: 0, signal: null });
  assert.ok(performance.now() - openedAt < 10_000, "it waited for its grace to pass");
  assert.equal(stage.file.rows("SELECT status, losses, failures FROM runs"), [
    { status: "succeeded", losses: 0, failures: 0 },
  ]);
});

for (const grace of ["1s", "100ms"]) {
  test(`a grace of ${grace} is too short for a deaf attempt, which is given back and not counted as a crash`, async ({
    stage,
  }) => {
    const server = await stage.server({ env: { SHUTDOWN_GRACE: grace } });
    const id = await server.start("gated", { gate: stage.gate(), isDeaf: true });
    await server.reaches(id, "running");
    await stopped(server);
    assert.equal(stage.file.rows("SELECT status, losses, failures, due_at FROM runs"), [
      { status: "queued", losses: 0, failures: 0, due_at: null },
    ]);
    assert.is(stage.file.count("processes"), 0);
  });
}

test.run();
