import { suite } from "uvu";
import * as assert from "uvu/assert";
import * as v from "valibot";
import { defineWorkflow } from "../../lib/define-workflow.ts";
import type { AnyWorkflow } from "../../lib/workflow.ts";
import {
  type Answer,
  type Ask,
  AUTHORIZED,
  delivery,
  type Json,
  openServer,
  type TestServer,
} from "../support/open-server.ts";
import { problemOf } from "../support/problem-of.ts";
import { sampleWorkflows } from "../support/sample-workflows.ts";

const SECRETS = { generic: "a-secret", "generic-acme": "acme-secret", "generic-none": "none-secret" };
const SCHEMES = { "generic-acme": "generic", "generic-none": "generic" };

const workflows: Readonly<Record<string, AnyWorkflow>> = {
  ...sampleWorkflows,
  acme: defineWorkflow({ on: [{ provider: "generic-acme" }], run: () => null }),
  strict: defineWorkflow({
    on: [{ provider: "generic-acme" }],
    input: v.object({ amount: v.number() }),
    run: () => null,
  }),
  /** Its second run waits for the first. */
  single: defineWorkflow({ concurrency: 1, run: sampleWorkflows.hold?.run ?? (() => null) }),
};

const test = suite<{ server: TestServer }>("routes/commands");
test.before.each(async (context) => {
  context.server = await openServer({ workflows, schemes: SCHEMES, secrets: SECRETS });
});
test.after.each(({ server }) => server.close());

const STATES = ["queued", "running", "succeeded", "failed", "cancelled"] as const;
type State = (typeof STATES)[number];

/** A run in that state, and its event. */
async function runIn(state: State, server: TestServer): Promise<{ runId: string; eventId: string }> {
  const names = { queued: "single", running: "hold", succeeded: "any", failed: "broken", cancelled: "hold" };
  if (state === "queued") await server.reaches((await start(server, "single")).runId, "running");
  const started = await start(server, names[state]);
  if (state === "cancelled") {
    await server.reaches(started.runId, "running");
    await server.admin("POST", `/runs/${started.runId}/cancel`);
  }
  await server.reaches(started.runId, state);
  return started;
}

async function start(server: TestServer, name: string): Promise<{ runId: string; eventId: string }> {
  const body = { workflow_name: name, inputs: { topic: "AI" }, webhook_id: crypto.randomUUID() };
  const { json } = await server.ask("http", delivery(body, { secret: SECRETS.generic }));
  return { runId: String(json.run_id), eventId: String(json.event_id) };
}

const changes: readonly [command: "retry" | "cancel", state: State, status: number, after: string][] = [
  ["retry", "queued", 200, "queued"],
  ["retry", "running", 200, "running"],
  ["retry", "succeeded", 409, "succeeded"],
  ["retry", "failed", 202, "queued"],
  ["retry", "cancelled", 202, "queued"],
  ["cancel", "queued", 202, "cancelled"],
  ["cancel", "running", 202, "cancelled"],
  ["cancel", "succeeded", 409, "succeeded"],
  ["cancel", "failed", 409, "failed"],
  ["cancel", "cancelled", 200, "cancelled"],
];
for (const [command, state, status, after] of changes) {
  test(`${command} of a ${state} run answers ${status}, and then it is ${after}`, async ({ server }) => {
    const { runId, eventId } = await runIn(state, server);
    const answer = await server.admin("POST", `/runs/${runId}/${command}`);
    assert.is(answer.status, status);
    if (status === 409) {
      const { name } = problemOf(answer);
      assert.equal([name, answer.json.run_id, answer.json.run_status], ["not_possible", runId, state]);
      assert.is((await server.admin("GET", `/runs/${runId}`)).json.status, state);
      return;
    }
    assert.equal([answer.json.run_id, answer.json.event_id], [runId, eventId]);
    assert.is(answer.json.status, after);
    assert.ok(Array.isArray(answer.json.attempts) && Array.isArray(answer.json.steps));
    assert.equal((await server.count()).runs, state === "queued" ? 2 : 1, "a retry is the same run");
    if (command === "cancel") {
      assert.is((await server.askBoth(admin("POST", `/runs/${runId}/cancel`))).status, 200, "and again");
    }
  });
}

test("a retried run goes through all of it again and keeps its earlier attempts", async ({ server }) => {
  const { runId } = await runIn("failed", server);
  await server.admin("POST", `/runs/${runId}/retry`);
  const run = await server.reaches(runId, "failed");
  assert.equal(
    (run.attempts as Json[]).map(({ attempt, status }) => [attempt, status]),
    [
      [1, "failed"],
      [2, "failed"],
    ],
  );
});

test("a cancelled run that was running has its attempt cancelled too", async ({ server }) => {
  const { runId } = await runIn("cancelled", server);
  const { json } = await server.admin("GET", `/runs/${runId}`);
  assert.equal(
    (json.attempts as Json[]).map(({ status }) => status),
    ["cancelled"],
  );
  assert.equal([json.result, json.due_at, json.waiting_for], [null, null, null]);
  assert.is(typeof json.ended_at, "string");
});

const bodies: readonly [what: string, asked: Partial<Ask>, status: number, name?: string][] = [
  ["nothing", {}, 200],
  ["an empty object", { headers: { "content-type": "application/json" }, body: "{}" }, 200],
  ["a content type and nothing else", { headers: { "content-type": "application/json" } }, 200],
  ["a field", { headers: { "content-type": "application/json" }, body: '{"a":1}' }, 422, "fields_invalid"],
  ["a list", { headers: { "content-type": "application/json" }, body: "[]" }, 422, "fields_invalid"],
  ["null", { headers: { "content-type": "application/json" }, body: "null" }, 422, "fields_invalid"],
  ["no JSON", { headers: { "content-type": "application/json" }, body: "{" }, 400, "json_invalid"],
  ["a form", { headers: { "content-type": "text/plain" }, body: "{}" }, 415, "content_type"],
  ["another type and nothing else", { headers: { "content-type": "text/plain" } }, 415, "content_type"],
  ["no content type", { body: "{}" }, 415, "content_type"],
  [
    "a content encoding",
    { headers: { "content-type": "application/json", "content-encoding": "gzip" }, body: "{}" },
    415,
    "content_encoding",
  ],
  [
    "2 MiB",
    { headers: { "content-type": "application/json" }, body: " ".repeat(2 * 1_048_576) },
    413,
    "body_too_large",
  ],
];
for (const [what, asked, status, name] of bodies) {
  test(`a command with ${what} gets ${status}`, async ({ server }) => {
    const { runId, eventId } = await runIn("cancelled", server);
    const headers = { ...AUTHORIZED, ...asked.headers };
    const answer = await server.askBoth({ ...asked, method: "POST", path: `/runs/${runId}/cancel`, headers });
    assert.is(answer.status, status);
    if (name !== undefined) assert.is(problemOf(answer).name, name);
    for (const path of [`/runs/${runId}/retry`, `/events/${eventId}/replay`]) {
      const other = await server.ask("http", { ...asked, method: "POST", path, headers });
      assert.is(other.status, status === 200 ? 202 : status, path);
      if (status === 200) await server.admin("POST", `/runs/${runId}/cancel`);
    }
    if (status !== 200) assert.is((await server.count()).runs, 1);
  });
}

for (const asked of [
  admin("POST", "/runs/run_unknown/retry"),
  admin("POST", "/runs/run_unknown/cancel"),
  admin("POST", "/events/evt_unknown/replay"),
  admin("DELETE", "/events/evt_unknown"),
]) {
  test(`${asked.method} ${asked.path} gets 404`, async ({ server }) => {
    const answer = await server.askBoth(asked);
    assert.equal([answer.status, problemOf(answer).name], [404, "not_found"]);
  });
}

for (const [method, path, allow] of [
  ["GET", "/runs/run_x/retry", "POST"],
  ["DELETE", "/runs/run_x", "HEAD, GET"],
  ["POST", "/runs", "HEAD, GET"],
  ["PUT", "/events/evt_x", "HEAD, GET, DELETE"],
  ["GET", "/events/evt_x/replay", "POST"],
  ["OPTIONS", "/events", "HEAD, GET"],
  ["POST", "/workflows", "HEAD, GET"],
  ["POST", "/health", "HEAD, GET"],
] as const) {
  test(`${method} ${path} gets 405 and is told ${allow}`, async ({ server }) => {
    const answer = await server.askBoth({ method, path });
    assert.equal([answer.status, answer.headers.get("allow")], [405, allow]);
    assert.is(problemOf(answer).name, "method_not_allowed");
  });
}

test("a replay answers as an accept does and makes a run beside the first", async ({ server }) => {
  const { runId, eventId } = await runIn("succeeded", server);
  const answer = await server.askBoth(admin("POST", `/events/${eventId}/replay`));
  assert.is(answer.status, 202);
  const made = String(answer.json.run_id);
  assert.not.equal(made, runId);
  const statusUrl = `/runs/${made}`;
  assert.equal(answer.json, {
    status: "accepted",
    event_id: eventId,
    webhook_id: answer.json.webhook_id,
    runs: [{ run_id: made, workflow_name: "any", status: "queued", status_url: statusUrl }],
    run_id: made,
    workflow_name: "any",
    run_status: "queued",
    status_url: statusUrl,
  });
  assert.is((await server.reaches(made, "succeeded")).replay, 1);
  assert.equal(await server.count(), { events: 1, runs: 3 });
});

test("a replayed event's duplicate is still told of the delivery's own run", async ({ server }) => {
  const asked = delivery({ workflow_name: "any", inputs: {}, webhook_id: "a" }, { secret: SECRETS.generic });
  const first = await server.ask("http", asked);
  await server.admin("POST", `/events/${first.json.event_id}/replay`);
  const copy = await server.askBoth(asked);
  assert.equal([copy.status, copy.json.run_id], [200, first.json.run_id]);
  assert.is((copy.json.runs as Json[]).length, 1);
});

test("a replay may name another workflow, whatever its `on`", async ({ server }) => {
  const { eventId } = await runIn("succeeded", server);
  for (const name of ["write", "acme"]) {
    const answer = await server.admin("POST", `/events/${eventId}/replay`, { workflow_name: name });
    assert.equal([answer.status, answer.json.workflow_name], [202, name]);
    await server.reaches(String(answer.json.run_id), "succeeded");
  }
  const unknown = await server.admin("POST", `/events/${eventId}/replay`, { workflow_name: "../any" });
  assert.equal([unknown.status, problemOf(unknown).name], [404, "workflow_unknown"]);
  for (const wrong of [1, null, ["any"], {}]) {
    const answer = await server.admin("POST", `/events/${eventId}/replay`, { workflow_name: wrong });
    assert.is(answer.status, 422);
    assert.equal(
      problemOf(answer).errors.map(({ pointer }) => pointer),
      ["/workflow_name"],
    );
  }
  assert.is((await server.count()).runs, 3);
});

test("a provider's event is replayed by today's `on`; what its schema refuses is a failed run", async ({
  server,
}) => {
  const path = "/webhooks/generic-acme";
  const { json } = await server.ask(
    "http",
    delivery({ amount: "x" }, { secret: SECRETS["generic-acme"], path }),
  );
  const answer = await server.admin("POST", `/events/${json.event_id}/replay`);
  assert.is(answer.status, 202);
  assert.equal(
    (answer.json.runs as Json[]).map((run) => [run.workflow_name, run.status]),
    [
      ["acme", "queued"],
      ["strict", "failed"],
    ],
  );
  assert.is(answer.json.run_id, null, "of several runs none is the only one");
});

test("a replay that would start nothing gets 409", async ({ server }) => {
  const path = "/webhooks/generic-none";
  const none = await server.ask("http", delivery({}, { secret: SECRETS["generic-none"], path }));
  const { eventId } = await runIn("succeeded", server);
  const elsewhere = await openServer({ storage: server.storage, workflows: {}, schemes: SCHEMES });
  try {
    for (const [asked, id] of [
      [server, none.json.event_id],
      [elsewhere, eventId],
    ] as const) {
      const answer = await asked.admin("POST", `/events/${id}/replay`);
      assert.equal([answer.status, problemOf(answer).name], [409, "nothing_to_start"]);
    }
  } finally {
    await elsewhere.close();
  }
  assert.is((await server.count()).runs, 1);
});

test("a replay's Idempotency-Key makes a double click one, for each event by itself", async ({ server }) => {
  const [one, other] = [await runIn("succeeded", server), await runIn("succeeded", server)];
  const replay = (eventId: string, key: string): Promise<Answer> =>
    server.admin("POST", `/events/${eventId}/replay`, undefined, { "idempotency-key": key });
  const clicks = await Promise.all(Array.from({ length: 20 }, () => replay(one.eventId, "click")));
  const statuses = clicks.map(({ status }) => status).sort();
  assert.equal(statuses, [...Array(19).fill(200), 202]);
  assert.is(new Set(clicks.map(({ json }) => json.run_id)).size, 1);
  const again = await replay(one.eventId, '"click"');
  assert.equal(
    [again.status, again.json.status, again.json.run_id],
    [200, "duplicate", clicks[0]?.json.run_id],
  );
  assert.is((await replay(one.eventId, "second click")).status, 422, "a bare key has no space");
  assert.is((await replay(one.eventId, "second-click")).status, 202);
  assert.is((await replay(other.eventId, "click")).status, 202);
  assert.is((await server.admin("POST", `/events/${one.eventId}/replay`)).status, 202, "no key, no check");
  assert.is((await server.admin("POST", `/events/${one.eventId}/replay`)).status, 202);
  assert.equal(await server.count(), { events: 2, runs: 7 });
});

test("a malformed Idempotency-Key of a replay gets 422 and makes no run", async ({ server }) => {
  const { eventId } = await runIn("succeeded", server);
  for (const key of ["", "a, b", '"a', "k".repeat(256)]) {
    const answer = await server.askBoth(
      admin("POST", `/events/${eventId}/replay`, { "idempotency-key": key }),
    );
    assert.is(answer.status, 422);
    assert.is(problemOf(answer).name, "fields_invalid");
  }
  assert.is((await server.count()).runs, 1);
});

for (const state of STATES) {
  const isAtRest = state !== "queued" && state !== "running";
  test(`DELETE of an event with a ${state} run ${isAtRest ? "erases it" : "gets 409"}`, async ({
    server,
  }) => {
    const { runId, eventId } = await runIn(state, server);
    const before = (await server.admin("GET", `/events/${eventId}`)).json;
    const answer = await server.admin("DELETE", `/events/${eventId}`);
    const event = (await server.admin("GET", `/events/${eventId}`)).json;
    if (!isAtRest) {
      assert.equal([answer.status, problemOf(answer).name], [409, "unfinished"]);
      assert.equal(event, before);
      return;
    }
    assert.is(answer.status, 200);
    assert.equal(answer.json, event);
    assert.is(typeof event.erased_at, "string");
    assert.equal([event.body, event.headers, event.type, event.notes], [null, {}, null, []]);
    for (const kept of ["event_id", "provider", "webhook_id", "id_source", "accepted_at", "runs"]) {
      assert.equal(event[kept], before[kept], kept);
    }
    const run = (await server.admin("GET", `/runs/${runId}`)).json;
    assert.equal([run.inputs, run.result, run.error, run.attempts, run.steps], [null, null, null, [], []]);
    assert.equal([run.run_id, run.workflow_name, run.status], [runId, run.workflow_name, state]);
    assert.is(
      (await server.askBoth(admin("DELETE", `/events/${eventId}`))).status,
      200,
      "a second time, too",
    );
  });
}

test("an erased event is not run again, and its copies are answered as ever", async ({ server }) => {
  const body = { workflow_name: "broken", inputs: { topic: "AI" }, webhook_id: "a" };
  const asked = delivery(body, { secret: SECRETS.generic });
  const first = await server.ask("http", asked);
  const { run_id: runId, event_id: eventId } = first.json;
  await server.reaches(String(runId), "failed");
  const key = { "idempotency-key": "before" };
  const replayed = await server.admin("POST", `/events/${eventId}/replay`, undefined, key);
  await server.reaches(String(replayed.json.run_id), "failed");
  assert.is((await server.admin("DELETE", `/events/${eventId}`)).status, 200);

  for (const [path, headers] of [
    [`/events/${eventId}/replay`, {}],
    [`/events/${eventId}/replay`, { "idempotency-key": "after" }],
    [`/runs/${runId}/retry`, {}],
  ] as const) {
    const answer = await server.askBoth(admin("POST", path, headers));
    assert.equal([answer.status, problemOf(answer).name], [409, "erased"]);
  }
  const named = await server.admin("POST", `/events/${eventId}/replay`, { workflow_name: "any" });
  assert.is(named.status, 409);
  const repeated = await server.admin("POST", `/events/${eventId}/replay`, undefined, key);
  assert.equal([repeated.status, repeated.json.run_id], [200, replayed.json.run_id], "a click from before");

  const copy = await server.askBoth(asked);
  assert.equal(
    [copy.status, copy.json.status, copy.json.run_id, copy.json.run_status],
    [200, "duplicate", runId, "failed"],
  );
  const other = await server.askBoth(delivery({ ...body, inputs: {} }, { secret: SECRETS.generic }));
  assert.equal([other.status, problemOf(other).name], [422, "id_conflict"]);
  assert.equal(await server.count(), { events: 1, runs: 2 });
});

test.run();

function admin(method: string, path: string, headers: Ask["headers"] = {}): Ask {
  return { method, path, headers: { ...AUTHORIZED, ...headers } };
}
