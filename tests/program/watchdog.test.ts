import process from "node:process";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { auditFaults, readAudit } from "../support/audit.ts";
import { Stage, spawnProgram, stopped } from "../support/spawn-server.ts";

const test = suite<{ stage: Stage }>("program/watchdog");
test.before.each(async (t) => {
  t.stage = await Stage.make();
});
test.after.each((t) => t.stage.close());

test("a run that never yields is named and ended with its process, and what it held up is finished afterwards", async ({
  stage,
}) => {
  const serve = await stage.server({ env: { ROLE: "serve" } });
  const others = await Promise.all(
    Array.from({ length: 5 }, () => serve.start("audited", { steps: 4, stepMs: 100 })),
  );
  const id = await serve.start("spinner", { gate: stage.gate() });
  await stopped(serve);

  // Once from the queue and once resumed at once; then it waits.
  for (let death = 1; death <= 2; death++) {
    const { ended, said } = spawnProgram({
      env: { ...stage.env, PORT: "0" },
      timing: { standstillMs: 1_000 },
    });
    assert.equal(await ended(), { code: null, signal: "SIGKILL" });
    const line = said.stderr.split("\n").find((text) => text.includes("stood still")) ?? "";
    assert.match(line, `${id} spinner`);
  }
  const server = await stage.server();
  for (const other of others) await server.reaches(other, "succeeded");
  const run = await server.run(id);
  assert.equal([run.status, run.waiting_for], ["queued", "retry"]);
  assert.equal(
    run.attempts.map(({ status }) => status),
    ["interrupted", "interrupted"],
  );
  assert.equal(auditFaults(readAudit(stage.auditPath)), []);
});

test("work that keeps the event loop busy, but yields, is left alone", async ({ stage }) => {
  const server = await stage.server({ timing: { standstillMs: 1_500 } });
  const id = await server.start("busy", { forMs: 3_000, sliceMs: 200 });
  await server.reaches(id, "succeeded");
  assert.is(server.end, null);
});

const isBun = process.versions.bun !== undefined;
const isDeno = process.versions.deno !== undefined;

for (const how of ["timer", "rejection"] as const) {
  // Where the runtime does not say whose error it is, it may as well be our own, and then the process must end.
  const isKnown = how === "timer" ? !isDeno : !isBun;
  const name = isKnown
    ? `a stray error from a ${how} ends its attempt and nothing else`
    : `a stray error from a ${how}, of which this runtime does not say whose it is, ends the process with 1`;
  test(name, async ({ stage }) => {
    const server = await stage.server();
    const beside = await server.start("audited", { steps: 5, stepMs: 50 });
    const id = await server.start("stray", { how });
    if (!isKnown) {
      assert.equal(await server.ended(), { code: 1, signal: null });
      assert.match(server.said.stderr, /nobody caught.*lost/);
      return;
    }
    const run = await server.reaches(id, "failed");
    assert.match(run.error?.message ?? "", /lost/);
    await server.reaches(beside, "succeeded");
    assert.equal((await server.run(beside)).attempts.length, 1);
    assert.is(server.end, null);
  });
}

test.run();
