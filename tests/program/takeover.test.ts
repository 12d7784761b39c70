import { writeFile } from "node:fs/promises";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { readAudit } from "../support/audit.ts";
import { Stage, spawnProgram } from "../support/spawn-server.ts";
import { until } from "../support/until.ts";

const test = suite<{ stage: Stage }>("program/takeover");
test.before.each(async (t) => {
  t.stage = await Stage.make();
});
test.after.each((t) => t.stage.close());

const reachedGate = (stage: Stage, pid: number): boolean =>
  readAudit(stage.auditPath).some((line) => line.step === "gate" && line.pid === pid);

test("of two processes one is killed, and the other finishes its runs", async ({ stage }) => {
  const first = await stage.server();
  const gate = stage.gate();
  const id = await first.start("gated", { gate });
  await until(() => reachedGate(stage, first.pid), "the gate to be reached");
  const second = await stage.server();
  first.kill("SIGKILL");
  await first.ended();
  await writeFile(gate, "");
  const run = await second.reaches(id, "succeeded");
  assert.is((run.result as { by: number }).by, second.pid);
});

test("one that was frozen past its lease wakes up to find its run another's, and its late result is refused", async ({
  stage,
}) => {
  const timing = { looksUntilDeath: 10 };
  const frozen = await stage.server({ timing });
  const gate = stage.gate();
  const id = await frozen.start("gated", { gate, isDeaf: true });
  await until(() => reachedGate(stage, frozen.pid), "the gate to be reached");
  await stage.freeze(frozen);
  const other = await stage.server({ timing });
  await until(() => reachedGate(stage, other.pid), "the other to take over", 20_000);
  await writeFile(gate, "");
  const run = await other.reaches(id, "succeeded");
  assert.is((run.result as { by: number }).by, other.pid);
  frozen.kill("SIGCONT");
  await frozen.reaches(await frozen.start("quick"), "succeeded"); // it is awake and well
  const after = await frozen.run(id);
  assert.is((after.result as { by: number }).by, other.pid);
  assert.equal(
    after.attempts.map((attempt) => attempt.status),
    ["interrupted", "succeeded"],
  );
  const last = readAudit(stage.auditPath).filter((line) => line.step === "last" && line.what === "began");
  assert.equal(
    last.map((line) => line.pid),
    [other.pid],
  );
});

/** Accepts a delivery in a process that runs nothing, which then ends. */
async function accepted(stage: Stage, workflowName: string, inputs: unknown = {}): Promise<string> {
  const serve = await stage.server({ env: { ROLE: "serve" } });
  const id = await serve.start(workflowName, inputs);
  serve.kill("SIGTERM");
  await serve.ended();
  return id;
}

test("a run that ends its process each time ends as interrupted_too_often, and the others go on", async ({
  stage,
}) => {
  const id = await accepted(stage, "killer");
  const crash = async (): Promise<void> => {
    const { ended } = spawnProgram({ env: { ...stage.env, PORT: "0" } });
    assert.is((await ended()).signal, "SIGKILL");
  };
  await crash();
  // Twenty starts take too long here; the count is in the database, and the last two are real.
  const db = stage.file.connect();
  db.exec("UPDATE runs SET losses = 18 WHERE status = 'running'");
  db.close();
  await crash();
  const server = await stage.server();
  const run = await server.reaches(id, "failed");
  assert.is(run.error?.code, "interrupted_too_often");
  assert.equal(
    run.attempts.map((attempt) => attempt.status),
    ["interrupted", "interrupted"],
  );
  await server.reaches(await server.start("quick"), "succeeded");
});

test("a workflow that never yields is ended with its process by the watchdog, which names it", async ({
  stage,
}) => {
  const gate = stage.gate();
  const id = await accepted(stage, "spinner", { gate });
  const { ended, said } = spawnProgram({
    env: { ...stage.env, PORT: "0" },
    timing: { standstillMs: 500 },
  });
  assert.is((await ended()).signal, "SIGKILL");
  assert.match(said.stderr, `${id} spinner`);
  await writeFile(gate, "");
  const next = await stage.server();
  await next.reaches(id, "succeeded");
});

test("a sender is answered before its workflow begins, even one that never yields", async ({ stage }) => {
  const server = await stage.server();
  const gate = stage.gate();
  const id = await server.start("spinner", { gate });
  await writeFile(gate, "");
  await server.reaches(id, "succeeded");
});

test.run();
