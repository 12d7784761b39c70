import { suite } from "uvu";
import * as assert from "uvu/assert";
import { PROGRAM, Stage } from "../support/spawn-server.ts";

const test = suite<{ stage: Stage }>("program/roles");
test.before.each(async (t) => {
  t.stage = await Stage.make();
});
test.after.each((t) => t.stage.close());

/** Runs that start within this of their accept, in another process, by the design. */
const START_MS_MAX = 200;

test("serve accepts and runs nothing; work runs, within 200 ms of the accept", async ({ stage }) => {
  const serve = await stage.server({ file: PROGRAM, env: { ROLE: "serve" } });
  const early = await serve.start("quick");
  assert.is((await serve.run(early)).status, "queued");
  const work = await stage.server({ file: PROGRAM, env: { ROLE: "work", PORT: "" } });
  assert.is(work.origin, "");
  await serve.reaches(early, "succeeded");
  const delays: number[] = [];
  for (let index = 0; index < 20; index++) {
    const done = await serve.reaches(await serve.start("quick"), "succeeded");
    const { ranAt, acceptedAt, pid } = done.result as { ranAt: number; acceptedAt: number; pid: number };
    assert.is(pid, work.pid);
    delays.push(ranAt - acceptedAt);
  }
  delays.sort((a, b) => a - b);
  // The median, because a machine that runs other suites beside this one owes nobody a worst case.
  assert.ok((delays[10] ?? 0) < START_MS_MAX, `delays in ms: ${delays.join(" ")}`);
});

test("work listens only where PORT is set, and then to /health and /ready alone", async ({ stage }) => {
  const work = await stage.server({ env: { ROLE: "work" } });
  for (const path of ["/health", "/ready"]) assert.is((await work.ask("GET", path)).status, 200);
  for (const path of ["/runs", "/workflows", "/webhooks/generic"]) {
    assert.is((await work.ask("GET", path)).status, 404);
  }
});

test("whoever waits at serve gets the result that work has made", async ({ stage }) => {
  const serve = await stage.server({ env: { ROLE: "serve" } });
  await stage.server({ env: { ROLE: "work", PORT: "" } });
  const answer = await serve.deliver("quick", { inputs: { n: 1 }, headers: { prefer: "wait=20" } });
  assert.equal([answer.status, answer.json.status], [200, "succeeded"]);
});

test("a cancel at serve aborts the attempt in work", async ({ stage }) => {
  const serve = await stage.server({ env: { ROLE: "serve" } });
  await stage.server({ env: { ROLE: "work", PORT: "", CONCURRENCY: "1" } });
  const id = await serve.start("gated", { gate: stage.gate() });
  await serve.reaches(id, "running");
  assert.is((await serve.ask("POST", `/runs/${id}/cancel`)).status, 202);
  await serve.reaches(id, "cancelled");
  // The only slot is free again only once the attempt has heard it.
  await serve.reaches(await serve.start("quick"), "succeeded");
  assert.is((await serve.run(id)).status, "cancelled");
});

test.run();
