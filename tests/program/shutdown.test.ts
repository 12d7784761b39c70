import { writeFile } from "node:fs/promises";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { readAudit } from "../support/audit.ts";
import { Stage } from "../support/spawn-server.ts";
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
  const accepted: string[] = [];
  const deliveries = Array.from({ length: 100 }, async (_, index) => {
    const answer = await server
      .deliver("audited", { inputs: { steps: 2 }, webhookId: `id-${index}` })
      .catch(() => null);
    if (answer?.status === 202) accepted.push(String(answer.json.run_id));
  });
  await until(() => accepted.length > 5, "some to be accepted");
  server.kill("SIGTERM");
  await Promise.all(deliveries);
  assert.equal(await server.ended(), { code: 0, signal: null });
  const next = await stage.server();
  for (const id of accepted) await next.reaches(id, "succeeded");
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

test.run();
