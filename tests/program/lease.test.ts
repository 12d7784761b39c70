import { suite } from "uvu";
import * as assert from "uvu/assert";
import { readAudit } from "../support/audit.ts";
import { Stage } from "../support/spawn-server.ts";
import { until } from "../support/until.ts";

const test = suite<{ stage: Stage }>("program/lease");
test.before.each(async (t) => {
  t.stage = await Stage.make();
});
test.after.each((t) => t.stage.close());

/** Silent and blind: nothing but the fence can tell it that its run is another's by now. */
const MUTE = { beatMs: 60_000, watchIdleMs: 60_000, looksUntilDeath: 5, leaseMs: 60_000 };
const LISTENING = { looksUntilDeath: 5 };

const has = (stage: Stage, pid: number, what: string): boolean =>
  readAudit(stage.auditPath).some((line) => line.pid === pid && line.what === what && line.step === "gate");

for (const isInStep of [true, false]) {
  const what = isInStep ? "step" : "result";
  test(`the late ${what} of a process that was taken for dead is refused, while the new owner still works`, async ({
    stage,
  }) => {
    const gate = stage.gate();
    const old = await stage.server({ timing: MUTE, env: { GATE_SUFFIX: "-old" } });
    const id = await old.start("late", { gate, isInStep });
    await until(() => has(stage, old.pid, "began"), "the first attempt to begin");
    const heir = await stage.server({ timing: LISTENING, env: { GATE_SUFFIX: "-new" } });
    await until(() => has(stage, heir.pid, "began"), "the run to be taken over");

    await stage.openGate(`${gate}-old`);
    await until(() => has(stage, old.pid, "effect"), "the late effect");
    await until(
      () => /late result dropped|attempt dropped/.test(old.said.stderr),
      "the refusal to be logged",
    );
    const between = await heir.run(id);
    assert.is(between.status, "running");
    assert.equal(between.steps, []);
    assert.equal(
      between.attempts.map((attempt) => attempt.status),
      ["interrupted", "running"],
    );

    await stage.openGate(`${gate}-new`);
    const run = await heir.reaches(id, "succeeded");
    assert.equal(run.result, { by: heir.pid });
    assert.is(has(stage, old.pid, "returned"), !isInStep);
    assert.equal(
      run.attempts.map((attempt) => attempt.status),
      ["interrupted", "succeeded"],
    );
  });
}

test("a process that was frozen begins no further step, and works on", async ({ stage }) => {
  const gate = stage.gate();
  const frozen = await stage.server({ timing: { looksUntilDeath: 10 }, env: { GATE_SUFFIX: "" } });
  const id = await frozen.start("gated", { gate, isDeaf: true });
  await until(() => has(stage, frozen.pid, "began"), "the gate to be reached");
  await stage.freeze(frozen);
  const heir = await stage.server({ timing: { looksUntilDeath: 10 } });
  await until(() => has(stage, heir.pid, "began"), "the run to be taken over", 20_000);
  // Both go on at the same moment, so that the two race for the rest of the run.
  await stage.openGate(gate);
  frozen.kill("SIGCONT");
  const run = await heir.reaches(id, "succeeded");
  assert.is((run.result as { by: number }).by, heir.pid);
  await frozen.reaches(await frozen.start("quick"), "succeeded");
  const last = readAudit(stage.auditPath).filter(({ step, what }) => step === "last" && what === "began");
  assert.equal(
    last.map(({ pid }) => pid),
    [heir.pid],
  );
});

test.run();
