import { connect } from "node:net";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { defineWorkflow } from "../../lib/define-workflow.ts";
import { ManualClock } from "../support/manual-clock.ts";
import {
  type Answer,
  type Ask,
  DOORS,
  delivery,
  type Json,
  openServer,
  SECRET,
  shapeOf,
  type TestServer,
} from "../support/open-server.ts";
import { problemOf } from "../support/problem-of.ts";
import { BROKEN_BECAUSE, sampleWorkflows } from "../support/sample-workflows.ts";
import { until } from "../support/until.ts";

const ACME = { secret: "acme-secret", path: "/webhooks/generic-acme" };

const test = suite<{ server: TestServer; clock: ManualClock }>("routes/prefer-wait");
test.before.each(async (context) => {
  context.clock = new ManualClock();
  context.server = await openServer({
    clock: context.clock,
    workflows: {
      ...sampleWorkflows,
      acme: defineWorkflow({ on: [{ provider: "generic-acme" }], run: () => "done" }),
    },
    schemes: { "generic-acme": "generic" },
    secrets: { generic: SECRET, "generic-acme": ACME.secret },
  });
});
test.after.each(({ server }) => server.close());

function asking(workflow: string, prefer: string, webhookId: string | null = null): Ask {
  const inputs = { topic: "AI" };
  return delivery({ workflow_name: workflow, inputs, webhook_id: webhookId }, { headers: { prefer } });
}

test("a run that succeeds in time is answered with its result", async ({ server, clock }) => {
  const answer = await server.askBoth((door) => asking("write", "wait=5", door));
  assert.is(answer.status, 200);
  const { run_id: runId, event_id: eventId } = answer.json;
  const statusUrl = `/runs/${runId}`;
  assert.equal(answer.json, {
    status: "succeeded",
    event_id: eventId,
    webhook_id: "http",
    runs: [{ run_id: runId, workflow_name: "write", status: "succeeded", status_url: statusUrl }],
    run_id: runId,
    workflow_name: "write",
    run_status: "succeeded",
    status_url: statusUrl,
    result: { text: "About AI" },
  });
  assert.is(answer.headers.get("preference-applied"), "wait=5");
  assert.is(answer.headers.get("location"), statusUrl);
  assert.is(clock.monotonic(), 0, "no time passed");
});

test("a workflow without a result gives null", async ({ server }) => {
  const answer = await server.askBoth(asking("any", "wait=5"));
  assert.equal([answer.status, answer.json.result], [200, null]);
});

test("a copy gets the first run's result and is told that it is one", async ({ server }) => {
  const first = await server.ask("http", asking("write", "wait=5", "a"));
  const copy = await server.askBoth(asking("write", "wait=5", "a"));
  assert.is(copy.status, 200);
  assert.equal(copy.json, { ...first.json, duplicate: true });
  assert.not.ok("duplicate" in first.json);
  const plain = await server.askBoth(
    delivery({ workflow_name: "write", inputs: { topic: "AI" }, webhook_id: "a" }),
  );
  assert.equal([plain.status, plain.json.status, plain.json.run_status], [200, "duplicate", "succeeded"]);
  assert.not.ok("result" in plain.json);
  assert.equal(await server.count(), { events: 1, runs: 1 });
});

test("a run that failed is a 500 with its id and nothing of why, for a copy too", async ({ server }) => {
  const first = await server.askBoth((door) => asking("broken", "wait=5", door));
  const copy = await server.askBoth((door) => asking("broken", "wait=5", door));
  const { run_id: runId, event_id: eventId } = first.json;
  for (const answer of [first, copy]) {
    assert.equal([answer.status, problemOf(answer).name], [500, "run_failed"]);
    assert.is(answer.headers.get("preference-applied"), "wait=5");
    assert.not.match(answer.text, BROKEN_BECAUSE);
    const { run_id, event_id, workflow_name, run_status } = answer.json;
    assert.equal([run_id, event_id, workflow_name, run_status], [runId, eventId, "broken", "failed"]);
  }
  assert.not.ok("duplicate" in first.json);
  assert.is(copy.json.duplicate, true);
  const run = await server.reaches(String(runId), "failed");
  assert.is((run.attempts as Json[]).length, 1, "a redelivery never runs a failed run again");
  assert.match(String((run.error as Json).message), BROKEN_BECAUSE);
});

test("a run that is cancelled meanwhile is a 500 at once, for all who wait", async ({ server, clock }) => {
  const waiting = DOORS.flatMap((door) => [1, 2].map(() => server.ask(door, asking("hold", "wait=30", "a"))));
  const runId = await onlyRun(server, "running");
  await server.admin("POST", `/runs/${runId}/cancel`);
  const answers = await Promise.all(waiting);
  for (const answer of answers) {
    assert.equal([answer.status, problemOf(answer).name], [500, "run_cancelled"]);
    assert.equal([answer.json.run_id, answer.json.run_status], [runId, "cancelled"]);
  }
  assert.is(answers.filter(({ json }) => json.duplicate === true).length, 3);
  assert.is(clock.monotonic(), 0, "nobody waited for the time to pass");
});

for (const door of DOORS) {
  test(`not at rest in time is 202 for the first, 200 for a copy, through ${door}`, async ({
    server,
    clock,
  }) => {
    const first = await whileTimePasses(clock, server.ask(door, asking("hold", "wait=5", "a")));
    assert.ok(first.seconds >= 5, `answered after ${first.seconds} s`);
    assert.equal([first.answer.status, first.answer.json.status], [202, "accepted"]);
    assert.is(first.answer.json.run_status, "running", "as it is when the time is over");
    const copy = await whileTimePasses(clock, server.ask(door, asking("hold", "wait=7", "a")));
    assert.ok(copy.seconds >= 7, `answered after ${copy.seconds} s`);
    assert.equal([copy.answer.status, copy.answer.json.status], [200, "duplicate"]);
    assert.is(copy.answer.json.run_id, first.answer.json.run_id);
    assert.not.ok("result" in copy.answer.json);
    for (const { answer } of [first, copy]) {
      assert.match(String(answer.headers.get("preference-applied")), /^wait=[57]$/);
      assert.is(answer.headers.get("location"), answer.json.status_url);
    }
    const plain = await server.ask(door, delivery({ workflow_name: "hold", inputs: {} }));
    assert.equal(shapeOf(first.answer.json), shapeOf({ ...plain.json, webhook_id: "a" }));
  });
}

test("a longer wait is cut to 60 seconds, and said so", async ({ server, clock }) => {
  const { answer, seconds } = await whileTimePasses(clock, server.ask("fetch", asking("hold", "wait=86400")));
  assert.is(answer.status, 202);
  assert.is(answer.headers.get("preference-applied"), "wait=60");
  assert.ok(seconds >= 60 && seconds < 90, `answered after ${seconds} s`);
});

for (const prefer of [
  "wait=0",
  "wait",
  "wait=",
  "wait=soon",
  "wait=-1",
  "wait=1.5",
  "wait=1s",
  "respond-async",
  "",
]) {
  test(`Prefer: ${prefer || "(empty)"} is ignored`, async ({ server, clock }) => {
    const answer = await server.askBoth(asking("hold", prefer));
    assert.equal([answer.status, answer.json.status], [202, "accepted"]);
    assert.is(answer.headers.get("preference-applied"), null);
    assert.is(clock.monotonic(), 0);
  });
}

for (const prefer of [
  "respond-async, wait=5",
  "Wait=5",
  'wait="5"',
  "wait = 5",
  "wait=5; a=b",
  "wait=5, wait=60",
]) {
  test(`Prefer: ${prefer} waits 5 seconds`, async ({ server }) => {
    const answer = await server.askBoth(asking("any", prefer));
    assert.equal([answer.status, answer.headers.get("preference-applied")], [200, "wait=5"]);
  });
}

test("no preference counts at a provider", async ({ server }) => {
  const headers = { prefer: "wait=5" };
  for (const status of ["accepted", "duplicate"]) {
    const answer = await server.askBoth((door) => delivery({ webhook_id: door }, { ...ACME, headers }));
    assert.equal([answer.status, answer.json.status], [202, status]);
    assert.is(answer.headers.get("preference-applied"), null);
    assert.not.ok("result" in answer.json);
    await server.reaches(String(answer.json.run_id), "succeeded");
  }
});

test("a refusal waits for nothing", async ({ server, clock }) => {
  for (const [asked, status] of [
    [asking("unknown", "wait=5"), 404],
    [{ ...asking("any", "wait=5"), body: "{}" }, 401],
  ] as const) {
    const answer = await server.askBoth(asked);
    assert.equal([answer.status, answer.headers.get("preference-applied")], [status, null]);
  }
  assert.is(clock.monotonic(), 0);
});

for (const door of DOORS) {
  test(`a shutdown answers those who wait through ${door} with 202 at once`, async ({ server, clock }) => {
    const first = server.ask(door, asking("hold", "wait=30", "a"));
    await onlyRun(server, "running");
    const copy = server.ask(door, asking("hold", "wait=30", "a"));
    await until(
      () => server.lines.filter(({ message }) => message === "delivery").length === 2,
      "two deliveries",
    );
    const stopped = server.latchhook.stop({ grace: "8s" });
    const answers = await Promise.all([first, copy]);
    assert.equal(
      answers.map(({ status, json }) => [status, json.status]),
      [
        [202, "accepted"],
        [200, "duplicate"],
      ],
    );
    assert.is(clock.monotonic(), 0, "nobody waited for the time to pass");
    await clock.advance(10_000);
    await stopped;
  });
}

test("a sender that hangs up cancels nothing", async ({ server }) => {
  const { body, headers = {}, path } = asking("hold", "wait=30", "a");
  const hangUp = new AbortController();
  const asked = new Request(`http://localhost${path}`, {
    method: "POST",
    headers: { ...headers },
    body: body ?? "",
    signal: hangUp.signal,
  });
  const answered = server.latchhook.fetch(asked);
  const runId = await onlyRun(server, "running");
  hangUp.abort();
  await answered; // nobody reads it
  const lines = Object.entries({ ...headers, host: "localhost", "content-length": String(body?.length) });
  const socket = connect(server.port, "127.0.0.1");
  socket.write(
    `POST ${path} HTTP/1.1\r\n${lines.map((line) => line.join(": ")).join("\r\n")}\r\n\r\n${body}`,
  );
  await until(
    () => server.lines.filter(({ message }) => message === "delivery").length === 2,
    "the second copy",
  );
  socket.destroy();
  await new Promise((resolve) => socket.once("close", resolve));
  const run = (await server.admin("GET", `/runs/${runId}`)).json;
  assert.equal([run.status, (run.attempts as Json[]).length], ["running", 1]);
});

test("of too many who wait, one more is answered without waiting", async ({ server, clock }) => {
  await server.ask("fetch", asking("hold", "", "a"));
  const runId = await onlyRun(server, "running");
  const before = clock.pending;
  const waiting = Array.from({ length: 1_000 }, () => server.ask("fetch", asking("hold", "wait=60", "a")));
  await until(() => clock.pending >= before + 1_000, "1000 to wait");
  const answer = await server.askBoth(asking("hold", "wait=60", "a"));
  assert.equal([answer.status, answer.json.status], [200, "duplicate"]);
  assert.is(answer.headers.get("preference-applied"), null);
  await server.admin("POST", `/runs/${runId}/cancel`);
  for (const { status } of await Promise.all(waiting)) assert.is(status, 500);
});

test.run();

/** The answer, and how many seconds of the clock went by until it came. */
async function whileTimePasses(
  clock: ManualClock,
  answering: Promise<Answer>,
): Promise<{ answer: Answer; seconds: number }> {
  const startedAt = clock.monotonic();
  let answer: Answer | null = null;
  answering.then((came) => {
    answer = came;
  });
  await until(async () => {
    if (answer === null) await clock.advance(100);
    return answer !== null;
  }, "an answer");
  return { answer: await answering, seconds: (clock.monotonic() - startedAt) / 1_000 };
}

/** The id of the only run, once it has the status. */
async function onlyRun(server: TestServer, status: string): Promise<string> {
  let runs: Json[] = [];
  await until(async () => {
    runs = (await server.admin("GET", "/runs")).json.items as Json[];
    return runs[0]?.status === status;
  }, `the run to be ${status}`);
  assert.is(runs.length, 1);
  return String(runs[0]?.run_id);
}
