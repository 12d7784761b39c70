import { suite } from "uvu";
import * as assert from "uvu/assert";
import { auditFaults, readAudit } from "../../support/audit.ts";
import {
  type SpawnedServer,
  type SpawnOptions,
  Stage,
  spawnProgram,
  stopped,
} from "../../support/spawn-server.ts";
import { deliver, logged, probes } from "./sender.ts";

const ERROR_BYTES_MAX = 16_384;

const test = suite<{ stage: Stage }>("faults/outside/hostile-workflows");
test.before.each(async (t) => {
  t.stage = await Stage.make();
});
test.after.each(({ stage }) => stage.close());

/** Fails unless the server is as good as before. */
async function assertWell(server: SpawnedServer): Promise<void> {
  assert.is(server.end, null);
  assert.equal(await probes(server), { health: 200, ready: 200 });
  await server.reaches(await server.start("quick"), "succeeded");
}

const results: readonly (readonly [what: string, code: string | null])[] = [
  ["100 MB", "result_too_large"],
  ["a byte over 1 MiB", "result_too_large"],
  ["1 MiB", null],
  ["cycle", "result_invalid"],
  ["BigInt", "result_invalid"],
  ["toJSON that throws", "result_invalid"],
  ["a thenable that throws", "error"],
];

test("a result that cannot be stored, of a step or of a run, ends its run at once with a code that says why, and nothing else", async ({
  stage,
}) => {
  const server = await stage.server();
  const found: string[] = [];
  for (const where of ["step", "run"]) {
    for (const [what, code] of results) {
      const { json } = await deliver(server, "returns", `${where} ${what}`, { what, where });
      const run = await server.reaches(String(json.run_id), code === null ? "succeeded" : "failed");
      if ((run.error?.code ?? null) !== code || run.attempts.length !== 1) {
        found.push(`${what} of a ${where}: ${JSON.stringify(run).slice(0, 500)}`);
      }
    }
  }
  assert.is(found.join("\n"), "");
  await assertWell(server);
});

const thrown: readonly (readonly [what: string, message: RegExp])[] = [
  ["nothing", /^undefined$/],
  ["a text", /^a text$/],
  ["an error with 100 MB to say", /^x+/],
  ["an object that cannot be shown", /cannot be shown/],
  ["an error whose message throws", /./],
  ["a proxy that refuses everything", /./],
];

test("whatever a workflow throws is that run's end and nothing else", async ({ stage }) => {
  const server = await stage.server();
  const found: string[] = [];
  for (const [what, message] of thrown) {
    const { json } = await deliver(server, "throws", what, { what });
    const run = await server.reaches(String(json.run_id), "failed");
    const said = run.error?.message ?? "";
    const bytes = Buffer.byteLength(said);
    if (!message.test(said) || bytes > ERROR_BYTES_MAX)
      found.push(`${what}: ${bytes} bytes, ${said.slice(0, 100)}`);
  }
  assert.is(found.join("\n"), "");
  await assertWell(server);
});

test("runs that never settle give their slots back at their time-out, and end as failed", async ({
  stage,
}) => {
  const server = await stage.server({ env: { CONCURRENCY: "2" }, timing: { drainMs: 100, holdMs: 200 } });
  const ids = await Promise.all(Array.from({ length: 6 }, () => server.start("stuck")));
  await server.reaches(await server.start("quick"), "succeeded");
  for (const id of ids) {
    const run = await server.reaches(id, "failed");
    assert.equal(
      run.attempts.map((attempt) => attempt.status),
      ["timed_out", "timed_out"],
    );
  }
  assert.ok(logged(server, "an attempt ended and something of it still runs").length > 0, "nobody was told");
  await assertWell(server);
  await stopped(server);
});

/** What ends its whole process. */
const enders: readonly {
  name: string;
  workflow: string;
  given: SpawnOptions;
  signal: string;
  line: RegExp;
}[] = [
  {
    name: "spins and is ended by the watchdog",
    workflow: "spinner",
    given: { timing: { standstillMs: 1_000 } },
    signal: "SIGKILL",
    line: /stood still for 1 s.*run_\S+ spinner/,
  },
  {
    name: "fills the heap",
    workflow: "hog",
    given: { env: { NODE_OPTIONS: "--max-old-space-size=128" }, timing: { standstillMs: 60_000 } },
    signal: "SIGABRT",
    line: /heap out of memory/,
  },
];

for (const { name, workflow, given, signal, line } of enders) {
  test(`a workflow that ${name} takes its process along; restarts finish what was beside it, and at last it is given up`, async ({
    stage,
  }) => {
    const serve = await stage.server({ env: { ROLE: "serve" } });
    const id = await serve.start(workflow, { gate: stage.gate() });
    const others = await Promise.all(
      Array.from({ length: 5 }, () => serve.start("audited", { steps: 3, stepMs: 50 })),
    );
    const env = { ...given.env, ROLE: "work" };
    const crash = async (): Promise<void> => {
      const { child, ended, said } = spawnProgram({ ...given, env: { ...stage.env, ...env } });
      try {
        assert.equal(await ended(), { code: null, signal });
        assert.match(said.stderr, line);
      } finally {
        child.kill("SIGKILL"); // one that nobody ended would spin for ever
      }
    };
    await crash(); // from the queue
    await crash(); // resumed at once, as after a first loss
    const worker = await stage.server({ ...given, env: { ...env, PORT: "" } });
    for (const other of others) await serve.reaches(other, "succeeded");
    const waiting = await serve.run(id);
    assert.equal([waiting.status, waiting.waiting_for], ["queued", "retry"]);
    await stopped(worker);

    // Twenty starts take too long here; the count is in the database, and the last one is real.
    const db = stage.file.connect();
    db.exec("PRAGMA busy_timeout = 5000");
    db.exec("UPDATE runs SET losses = 19, due_at = 1 WHERE status = 'queued'");
    db.close();
    await crash();
    await stage.server({ ...given, env: { ...env, PORT: "" } });
    const run = await serve.reaches(id, "failed");
    assert.is(run.error?.code, "interrupted_too_often");
    assert.equal(new Set(run.attempts.map((attempt) => attempt.status)), new Set(["interrupted"]));
    await serve.reaches(await serve.start("quick"), "succeeded");
    assert.equal(auditFaults(readAudit(stage.auditPath)), []);
  });
}

test.run();
