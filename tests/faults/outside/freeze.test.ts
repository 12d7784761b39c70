import { suite } from "uvu";
import * as assert from "uvu/assert";
import { auditFaults, readAudit, storedFaults } from "../../support/audit.ts";
import { PROGRAM, Stage, stopped } from "../../support/spawn-server.ts";
import { until } from "../../support/until.ts";
import { deliver } from "./sender.ts";

/** The program's own: an owner trusts its lease for so long after its last beat, so nobody may take over earlier. */
const LEASE_MS = 8_000;
/** It is dead after five looks of 2 s; a busy machine looks later. */
const TAKEOVER_MS_MAX = 40_000;

const test = suite<{ stage: Stage }>("faults/outside/freeze");
test.before.each(async (t) => {
  t.stage = await Stage.make();
});
test.after.each(({ stage }) => stage.close());

const has = (stage: Stage, pid: number, what: string): number =>
  readAudit(stage.auditPath).filter((line) => line.pid === pid && line.what === what && line.step === "gate")
    .length;

test("with the program's own times: a process frozen past its lease loses its runs to another, and its late step and late result change nothing", async ({
  stage,
}) => {
  const gate = stage.gate();
  const old = await stage.server({ file: PROGRAM, env: { GATE_SUFFIX: "-old" } });
  const inStep = await deliver(old, "late", "in a step", { gate, isInStep: true });
  const outside = await deliver(old, "late", "outside", { gate, isInStep: false });
  const ids = [inStep, outside].map(({ json }) => String(json.run_id));
  await until(() => has(stage, old.pid, "began") === 2, "both runs to reach the gate");
  const heir = await stage.server({ file: PROGRAM, env: { GATE_SUFFIX: "-new" } });

  await stage.freeze(old);
  const frozenAt = performance.now();
  const unanswered = deliver(old, "quick", "to the frozen one");
  await until(() => has(stage, heir.pid, "began") === 2, "both runs to be taken over", TAKEOVER_MS_MAX);
  const takenAfterMs = performance.now() - frozenAt;
  // Its last beat may be one interval old.
  assert.ok(takenAfterMs > LEASE_MS - 2_000, `taken over after ${takenAfterMs} ms, within the lease`);

  // The frozen one goes on first, while the heir is still at work: only the fence decides.
  await stage.openGate(`${gate}-old`);
  old.kill("SIGCONT");
  await until(() => has(stage, old.pid, "effect") === 2, "both late effects");
  await until(
    () => (old.said.stderr.match(/late result dropped|attempt dropped/g) ?? []).length >= 2,
    "both refusals to be logged",
  );
  for (const id of ids) {
    const run = await heir.run(id);
    assert.equal([run.status, run.result, run.steps], ["running", null, []]);
  }
  await stage.openGate(`${gate}-new`);
  for (const id of ids) {
    const run = await heir.reaches(id, "succeeded");
    assert.equal(run.result, { by: heir.pid });
    assert.equal(
      run.attempts.map((attempt) => attempt.status),
      ["interrupted", "succeeded"],
    );
  }
  // What came while it was frozen is answered now, and it works on.
  const late = await unanswered;
  assert.is(late.status, 202);
  await old.reaches(String(late.json.run_id), "succeeded");
  const accepted = new Map([
    ["in a step", ids[0] ?? ""],
    ["outside", ids[1] ?? ""],
    ["to the frozen one", String(late.json.run_id)],
  ]);
  await stopped(old);
  await stopped(heir);
  assert.equal(storedFaults(stage.file, accepted), []);
  assert.equal(auditFaults(readAudit(stage.auditPath), [old.pid]), []);
});

test.run();
