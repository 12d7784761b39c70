import { suite } from "uvu";
import * as assert from "uvu/assert";
import { killed, type SpawnedServer, type SpawnOptions, Stage, stopped } from "../../support/spawn-server.ts";
import { until } from "../../support/until.ts";
import { Deploys } from "./deploys.ts";
import { deliver, probes } from "./sender.ts";

const test = suite<{ stage: Stage; deploys: Deploys; given: SpawnOptions }>("faults/outside/deploy");
test.before.each(async (t) => {
  t.stage = await Stage.make();
  t.deploys = await Deploys.make(t.stage.file.folder);
  t.given = { env: { WORKFLOWS_DIR: t.deploys.folder } };
});
test.after.each(({ stage }) => stage.close());

/** Two steps that say which version did them, and a wait for a file in between. */
const order = (version: string, more = ""): string => `{ ${more}
  retry: { minDelay: 1, maxDelay: 5 },
  async run({ input, step, signal }) {
    const first = await step("first", () => "${version}");
    while (!existsSync(input.gate)) {
      signal.throwIfAborted();
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    return { first, second: await step("second", () => "${version}") };
  },
}`;

/** Accepts what the schema lets pass, and leaves it as it is. */
const schema = (test: string, says: string): string =>
  `input: { "~standard": { version: 1, vendor: "test", validate: (value: any) =>
    ${test} ? { value } : { issues: [{ message: "${says}", path: ["n"] }] } } },`;

async function hasFirstStep(server: SpawnedServer, id: string): Promise<boolean> {
  return (await server.run(id)).steps.some(({ name, ended_at }) => name === "first" && ended_at !== null);
}

for (const end of ["SIGTERM", "SIGKILL"] as const) {
  test(`a deploy (by ${end}) without a workflow leaves its runs waiting for it and hurts no other; when it is back they go on after their finished steps`, async ({
    stage,
    deploys,
    given,
  }) => {
    await deploys.put("order", order("v1"));
    await deploys.put("other", '{ run: () => "done" }');
    const gate = stage.gate();
    const first = await stage.server(given);
    const seen = await deliver(first, "order", "id", { gate });
    const id = String(seen.json.run_id);
    await until(() => hasFirstStep(first, id), "the first step to be stored");
    await (end === "SIGTERM" ? stopped(first) : killed(first));

    // Renamed, so that it is gone under the one name and new under the other.
    await deploys.put("order", null);
    await deploys.put("orders", order("v2"));
    const without = await stage.server(given);
    await until(async () => (await without.run(id)).waiting_for === "workflow", "the run to wait");
    assert.is((await without.run(id)).status, "queued");
    assert.equal(await probes(without), { health: 200, ready: 200 });
    await without.reaches(await without.start("other"), "succeeded");
    assert.is((await deliver(without, "order", "new", { gate })).status, 404);
    const copy = await deliver(without, "order", "id", { gate });
    assert.equal([copy.status, copy.json.run_id, copy.json.run_status], [200, id, "queued"]);
    await stage.openGate(gate);
    await without.reaches(await without.start("orders", { gate }), "succeeded");
    assert.is((await without.run(id)).status, "queued");
    await stopped(without);

    await deploys.put("order", order("v3"));
    const back = await stage.server(given);
    const run = await back.reaches(id, "succeeded");
    assert.equal(run.result, { first: "v1", second: "v3" });
  });
}

test("an old and a new deploy share a file: what the new one does not have runs in the old one", async ({
  stage,
  deploys,
  given,
}) => {
  await deploys.put("order", order("old"));
  const old = await stage.server(given);
  await deploys.put("order", null);
  await deploys.put("other", '{ run: () => "done" }');
  const young = await stage.server(given);
  const gate = stage.gate();
  await stage.openGate(gate);
  // Each is asked for what the other one alone can run, by a retry and by a copy.
  const order1 = String((await deliver(old, "order", "id", { gate })).json.run_id);
  const other = String((await deliver(young, "other", "other")).json.run_id);
  await young.reaches(order1, "succeeded");
  await old.reaches(other, "succeeded");
  assert.is((await deliver(young, "order", "id", { gate })).status, 200);
  assert.is((await deliver(old, "other", "other")).status, 200);
  assert.equal((await old.run(order1)).result, { first: "old", second: "old" });
});

test("a deploy whose schema refuses what was accepted ends that run as input_invalid, and by hand it goes on once the schema is right", async ({
  stage,
  deploys,
  given,
}) => {
  await deploys.put("order", order("v1"));
  const gate = stage.gate();
  const first = await stage.server(given);
  const id = String((await deliver(first, "order", "id", { gate, n: "one" })).json.run_id);
  const fits = String((await deliver(first, "order", "fits", { gate, n: 1 })).json.run_id);
  await until(
    async () => (await hasFirstStep(first, id)) && (await hasFirstStep(first, fits)),
    "the first steps to be stored",
  );
  await stopped(first);

  await deploys.put("order", order("v2", schema('typeof value.n === "number"', "must be a number")));
  await stage.openGate(gate);
  const strict = await stage.server(given);
  const failed = await strict.reaches(id, "failed");
  assert.is(failed.error?.code, "input_invalid");
  assert.match(failed.error?.message ?? "", /must be a number/);
  assert.equal((await strict.reaches(fits, "succeeded")).result, { first: "v1", second: "v2" });
  // A new one is refused before it is stored, a copy is a copy.
  assert.is((await deliver(strict, "order", "new", { gate, n: "one" })).status, 422);
  const copy = await deliver(strict, "order", "id", { gate, n: "one" });
  assert.equal([copy.status, copy.json.run_status], [200, "failed"]);
  await stopped(strict);

  await deploys.put("order", order("v3"));
  const lenient = await stage.server(given);
  assert.is((await lenient.run(id)).status, "failed");
  assert.is((await lenient.ask("POST", `/runs/${id}/retry`)).status, 202);
  assert.equal((await lenient.reaches(id, "succeeded")).result, { first: "v1", second: "v3" });
});

test("a deploy that does not load ends its start with one line a fault, and what was accepted waits for a better one", async ({
  stage,
  deploys,
  given,
}) => {
  await deploys.put("order", order("v1"));
  const gate = stage.gate();
  const first = await stage.server(given);
  const id = String((await deliver(first, "order", "id", { gate })).json.run_id);
  await until(() => hasFirstStep(first, id), "the first step to be stored");
  await killed(first);
  await stage.openGate(gate);

  await deploys.put("order", "{ retry: { attempts: 0 }, run() {} }");
  const refusal = await stage.server(given).then(
    () => "it started",
    (error: Error) => error.message,
  );
  assert.match(refusal, /Cannot load workflows of .*\norder\.ts: .*attempts/);
  await deploys.put("order", order("v2"));
  const next = await stage.server(given);
  assert.equal((await next.reaches(id, "succeeded")).result, { first: "v1", second: "v2" });
});

test.run();
