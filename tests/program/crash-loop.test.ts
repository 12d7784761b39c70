import { suite } from "uvu";
import * as assert from "uvu/assert";
import { readAudit } from "../support/audit.ts";
import { Stage, spawnProgram } from "../support/spawn-server.ts";
import { until } from "../support/until.ts";

/** Starts take their time, so several processes wait for their turn to be killed. */
const AT_ONCE = 4;

const test = suite<{ stage: Stage }>("program/crash-loop");
test.before.each(async (t) => {
  t.stage = await Stage.make();
});
test.after.each((t) => t.stage.close());

test("a run that ends its process 20 times in a row is given up, and what waits beside it goes on", async ({
  stage,
}) => {
  const serve = await stage.server({ env: { ROLE: "serve" } });
  const id = await serve.start("killer");
  const others = await Promise.all(Array.from({ length: 5 }, () => serve.start("quick")));
  const workers = new Set<ReturnType<typeof spawnProgram>>();
  const signals: (string | null)[] = [];
  const isOver = async (): Promise<boolean> => (await serve.run(id)).status === "failed";
  while (!(await isOver())) {
    while (workers.size < AT_ONCE && signals.length < 21) {
      const worker = spawnProgram({ env: { ...stage.env, ROLE: "work" } });
      workers.add(worker);
      worker.child.once("exit", (_, signal) => {
        workers.delete(worker);
        signals.push(signal);
      });
    }
    await until(async () => workers.size < AT_ONCE || (await isOver()), "another end", 20_000);
  }
  const run = await serve.run(id);
  assert.is(run.error?.code, "interrupted_too_often");
  assert.equal(
    run.attempts.map(({ status }) => status),
    Array(20).fill("interrupted"),
  );
  await until(() => signals.length === 20, "the last end to be heard of");
  assert.equal(signals, Array(20).fill("SIGKILL"));
  assert.is(readAudit(stage.auditPath).filter((line) => line.run === id).length, 20);
  for (const other of others) await serve.reaches(other, "succeeded");
  for (const worker of workers) {
    process.kill(worker.child.pid ?? 0, "SIGTERM");
    await worker.ended();
  }
});

test.run();
