import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { defineWorkflow } from "../../../lib/define-workflow.ts";
import { auditFaults, readAudit } from "../../support/audit.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { openLatchhook, type TestLatchhook } from "../../support/open-latchhook.ts";
import { type SpawnedServer, Stage, stopped } from "../../support/spawn-server.ts";
import { until } from "../../support/until.ts";
import { deliver, probes } from "./sender.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** No timer is longer, so a clock that was set is noticed within it. */
const NOTICED_MS = 60_000;

const test = suite<{ stage: Stage; opened: TestLatchhook[] }>("faults/outside/clock");
test.before.each(async (t) => {
  t.stage = await Stage.make();
  t.opened = [];
});
test.after.each(async ({ stage, opened }) => {
  for (const each of opened) await each.close();
  await stage.close();
});

const napper = defineWorkflow({
  async run({ step }) {
    await step("before", () => 1);
    await step.sleep("nap", "3h");
    return "woke";
  },
});
let failures = 0;
const failer = defineWorkflow({
  retry: { minDelay: "6h", maxDelay: "6h" }, // half of it with the tests' jitter
  run() {
    if (failures++ === 0) throw new Error("not yet");
    return "done";
  },
});

for (const jumpMs of [HOUR_MS, -HOUR_MS]) {
  const way = jumpMs > 0 ? "forward" : "back";
  for (const [what, workflow] of Object.entries({ sleep: napper, retry: failer })) {
    test(`a ${what} goes by the wall clock that was set ${way}: it is due at the time that it shows, within a minute, and not before`, async ({
      opened,
    }) => {
      failures = 0;
      const latchhook = await openLatchhook({ workflows: { workflow } });
      opened.push(latchhook);
      const { clock } = latchhook;
      const id = await latchhook.start("workflow");
      await until(async () => (await latchhook.run(id)).waiting_for === what, `the ${what} to be stored`);
      const dueAt = Date.parse((await latchhook.run(id)).due_at ?? "");
      assert.is(Math.round((dueAt - clock.now()) / HOUR_MS), 3);

      await clock.advance(HOUR_MS);
      clock.jumpWall(jumpMs);
      await clock.advance(dueAt - clock.now() - 1_000);
      assert.is((await latchhook.run(id)).status, "queued");
      await clock.advance(1_000 + NOTICED_MS);
      const run = await latchhook.reaches(id, "succeeded");
      assert.is(run.attempts.length, 2);
    });
  }

  test(`a time-out does not see the wall clock, which was set ${way}`, async ({ opened }) => {
    const slow = defineWorkflow({
      timeout: "10m",
      retry: { attempts: 1 },
      run: ({ signal }) =>
        new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
    });
    const latchhook = await openLatchhook({ workflows: { slow } });
    opened.push(latchhook);
    const id = await latchhook.start("slow");
    await latchhook.clock.advance(5 * 60_000);
    latchhook.clock.jumpWall(jumpMs);
    await latchhook.clock.advance(4 * 60_000);
    assert.is((await latchhook.run(id)).status, "running");
    await latchhook.clock.advance(70_000);
    const run = await latchhook.reaches(id, "failed");
    assert.is(run.attempts[0]?.status, "timed_out");
  });

  test(`a lease does not see the wall clock, which was set ${way} at its owner and at the one that looks`, async ({
    stage,
    opened,
  }) => {
    const hold = defineWorkflow({
      run: ({ signal }) =>
        new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
    });
    for (let at = 0; at < 2; at++) {
      const clock = new ManualClock();
      opened.push(await openLatchhook({ workflows: { hold }, storage: stage.file.url, clock }));
    }
    const [owner, other] = opened as [TestLatchhook, TestLatchhook];
    const id = await owner.start("hold");
    await owner.reaches(id, "running");
    for (const jumped of [owner, other]) {
      jumped.clock.jumpWall(jumpMs);
      for (let second = 0; second < 30; second++) {
        await owner.clock.advance(1_000);
        await other.clock.advance(1_000);
      }
    }
    const run = await other.run(id);
    assert.equal(
      run.attempts.map((attempt) => attempt.status),
      ["running"],
    );
  });

  test(`a copy is one, whichever way the wall clock was set: ${way}`, async ({ opened }) => {
    const latchhook = await openLatchhook({ workflows: { any: defineWorkflow({ run: () => null }) } });
    opened.push(latchhook);
    const trigger = () => latchhook.latchhook.trigger("any", {}, { webhookId: "id" });
    const first = await trigger();
    latchhook.clock.jumpWall(jumpMs);
    assert.equal(await trigger(), { runId: first.runId, duplicate: true });
    await latchhook.reaches(first.runId, "succeeded");
  });
}

for (const [what, jumpMs, isErased] of [
  ["forty days is skipped, and nothing is erased", 40 * DAY_MS, false],
  ["less than an hour is one like any other", HOUR_MS - 60_000, true],
] as const) {
  test(`a pass of retention after a jump of ${what}`, async ({ opened }) => {
    const workflows = { any: defineWorkflow({ run: () => "result" }) };
    const latchhook = await openLatchhook({ workflows, retentionDays: 1 });
    opened.push(latchhook);
    const { clock } = latchhook;
    const id = await latchhook.start("any");
    await latchhook.reaches(id, "succeeded");
    if (isErased) await clock.advance(DAY_MS - HOUR_MS / 2);
    clock.jumpWall(jumpMs);
    await clock.advance(isErased ? HOUR_MS : HOUR_MS / 2);
    assert.is((await latchhook.run(id)).result, isErased ? null : "result");
    const skipped = latchhook.lines.filter(({ message }) => message.startsWith("retention skipped"));
    assert.is(skipped.length, isErased ? 0 : 1);
    if (isErased) return;
    // Set right before the next pass, it is skipped as well, and the one after is a pass like any other.
    clock.jumpWall(-jumpMs);
    await clock.advance(DAY_MS - HOUR_MS);
    assert.is((await latchhook.run(id)).result, "result");
    await clock.advance(2 * HOUR_MS);
    assert.is((await latchhook.run(id)).result, null);
  });
}

/** Sets the wall clock of a process by so many milliseconds. */
async function setWall(server: SpawnedServer, path: string, shiftMs: number): Promise<void> {
  await writeFile(path, String(shiftMs));
  server.kill("SIGUSR2");
  const line = `the wall clock was moved by ${shiftMs} ms\n`;
  await until(() => server.said.stderr.includes(line), "the clock to be set");
}

test("two processes, and the wall clock of the one that runs goes an hour ahead and an hour back: nothing is taken over, lost or done twice", async ({
  stage,
}) => {
  const path = join(stage.file.folder, "clock");
  const file = new URL("clock-server.ts", import.meta.url);
  const timing = { looksUntilDeath: 10 };
  const owner = await stage.server({ file, timing, env: { CLOCK_FILE: path } });
  const gate = stage.gate();
  const awake = String((await deliver(owner, "gated", "awake", { gate })).json.run_id);
  await until(() => readAudit(stage.auditPath).some(({ step }) => step === "gate"), "the gate to be reached");
  await stage.server({ timing });
  const runs: string[] = [];
  for (const shiftMs of [HOUR_MS, -HOUR_MS]) {
    await setWall(owner, path, shiftMs);
    const first = await deliver(owner, "napper", `id-${shiftMs}`, { nap: "1s" });
    const copy = await deliver(owner, "napper", `id-${shiftMs}`, { nap: "1s" });
    assert.equal([first.status, copy.status, copy.json.run_id], [202, 200, first.json.run_id]);
    assert.equal(await probes(owner), { health: 200, ready: 200 });
    runs.push(String(first.json.run_id));
    await owner.reaches(String(first.json.run_id), "succeeded");
  }
  await stage.openGate(gate);
  const run = await owner.reaches(awake, "succeeded");
  assert.equal(run.result, { by: owner.pid });
  assert.is(run.attempts.length, 1);
  await stopped(owner);
  assert.equal(auditFaults(readAudit(stage.auditPath)), []);
});

test.run();
