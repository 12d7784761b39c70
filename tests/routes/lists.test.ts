import { suite } from "uvu";
import * as assert from "uvu/assert";
import { defineWorkflow } from "../../lib/define-workflow.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { AUTHORIZED, delivery, type Json, openServer, type TestServer } from "../support/open-server.ts";
import { problemOf } from "../support/problem-of.ts";
import { sampleWorkflows } from "../support/sample-workflows.ts";
import { eventOf, runOf } from "../support/stored.ts";

const RUN_SUMMARY = [
  "created_at",
  "due_at",
  "ended_at",
  "error",
  "event_id",
  "replay",
  "run_id",
  "status",
  "waiting_for",
  "workflow_name",
];
const EVENT_SUMMARY = [
  "accepted_at",
  "content_type",
  "erased_at",
  "event_id",
  "id_source",
  "notes",
  "provider",
  "runs",
  "type",
  "webhook_id",
];
const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

const test = suite<{ server: TestServer; clock: ManualClock }>("routes/lists");
test.before.each(async (context) => {
  context.clock = new ManualClock();
  context.server = await openServer({
    clock: context.clock,
    workflows: {
      ...sampleWorkflows,
      acme: defineWorkflow({ on: [{ provider: "generic-acme" }], run: () => null }),
      nap: defineWorkflow({ run: ({ step }) => step.sleep("nap", "1h") }),
      flaky: defineWorkflow({
        run() {
          throw new Error("not now");
        },
      }),
      single: defineWorkflow({ concurrency: 1, run: sampleWorkflows.hold?.run ?? (() => null) }),
    },
    schemes: { "generic-acme": "generic" },
    secrets: { generic: "a-secret", "generic-acme": "another-secret" },
  });
});
test.after.each(({ server }) => server.close());

test("GET /runs lists the newest first, 50 where nothing else is asked for", async ({ server, clock }) => {
  const runIds = await startMany(server, clock, 52);
  const { json } = await server.askBoth({ path: "/runs", headers: AUTHORIZED });
  assert.equal(idsOf(json, "run_id"), runIds.slice(2).reverse());
  assert.is(typeof json.next_cursor, "string");
  assert.equal(Object.keys(json).sort(), ["items", "next_cursor"]);
});

for (const kind of ["run", "event"] as const) {
  test(`pages of /${kind}s are complete and in order, whatever arrives in between`, async ({
    server,
    clock,
  }) => {
    await startMany(server, clock, 7);
    const all = idsOf((await server.admin("GET", `/${kind}s`)).json, `${kind}_id`);
    assert.is(all.length, 7);
    const seen: unknown[] = [];
    let cursor: unknown = "";
    for (let page = 0; page < 4; page++) {
      const more = page === 0 ? "" : `&cursor=${encodeURIComponent(String(cursor))}`;
      const answer = await server.askBoth({ path: `/${kind}s?limit=2${more}`, headers: AUTHORIZED });
      seen.push(...idsOf(answer.json, `${kind}_id`));
      cursor = answer.json.next_cursor;
      await startMany(server, clock, 1);
    }
    assert.equal(seen, all);
    assert.is(cursor, null, "the last page has no next");
  });

  const bad: readonly [query: string, pointers: string[]][] = [
    ["limit=0", ["/limit"]],
    ["limit=201", ["/limit"]],
    ["limit=-1", ["/limit"]],
    ["limit=1.5", ["/limit"]],
    ["limit=1e1", ["/limit"]],
    ["limit=c4n4ry", ["/limit"]],
    ["limit=", ["/limit"]],
    ["limit=1&limit=1", ["/limit"]],
    ["since=yesterday", ["/since"]],
    ["since=2026-01-01", ["/since"]],
    ["since=2026-01-01T00:00:00", ["/since"]],
    ["since=2026-13-01T00:00:00Z", ["/since"]],
    ["since=2026-02-30T00:00:00Z", ["/since"]],
    ["since=1767225600000", ["/since"]],
    ["until=c4n4ry", ["/until"]],
    ["until=2026-01-01T00:00:00Z&until=2026-01-01T00:00:00Z", ["/until"]],
    ["cursor=c4n4ry", ["/cursor"]],
    ["cursor=1", ["/cursor"]],
    ["cursor=", ["/cursor"]],
    ["status=", ["/status"]],
    ["status=c4n4ry", ["/status"]],
    ["unknown=c4n4ry", ["/unknown"]],
    ["token=c4n4ry", ["/token"]],
    ["Limit=1", ["/Limit"]],
    ["a~b/c=1", ["/a~0b~1c"]],
    ["__proto__=1", ["/__proto__"]],
    ["limit=0&since=x&until=y&unknown=1", ["/limit", "/since", "/unknown", "/until"]],
    ["limit=0&status=c4n4ry", ["/limit", "/status"]],
  ];
  for (const [query, pointers] of bad) {
    test(`/${kind}s?${query} is refused with one fault a parameter`, async ({ server }) => {
      const answer = await server.askBoth({ path: `/${kind}s?${query}`, headers: AUTHORIZED });
      assert.is(answer.status, 422);
      const { name, errors } = problemOf(answer);
      assert.match(name, /^(?:query_invalid|cursor_unknown)$/);
      assert.equal(errors.map(({ pointer }) => pointer).sort(), pointers);
      assert.not.match(answer.text, "c4n4ry");
    });
  }

  test(`/${kind}s takes a limit from 1 to 200, and times with an offset`, async ({ server, clock }) => {
    await startMany(server, clock, 3);
    for (const [query, count] of [
      ["limit=1", 1],
      ["limit=200", 3],
      ["since=2026-01-01T00:00:01.000Z", 2],
      ["since=2026-01-01T00:00:01.001Z", 1],
      ["until=2026-01-01T00:00:01Z", 1],
      ["since=2026-01-01T01:00:01%2B01:00&until=2026-01-01T00:00:02Z", 1],
      ["since=2026-01-02T00:00:00Z", 0],
      ["since=2026-01-02T00:00:00Z&until=2026-01-01T00:00:00Z", 0],
    ] as const) {
      const answer = await server.askBoth({ path: `/${kind}s?${query}`, headers: AUTHORIZED });
      assert.is((answer.json.items as Json[]).length, count, query);
    }
  });
}

test("a cursor of the other list leads nowhere", async ({ server, clock }) => {
  await startMany(server, clock, 3);
  const { next_cursor: cursor } = (await server.admin("GET", "/runs?limit=1")).json;
  assert.is((await server.admin("GET", `/events?cursor=${cursor}`)).status, 422);
});

test("GET /runs filters by workflow, status and event, and by several at once", async ({ server }) => {
  const started: Record<string, Json> = {};
  for (const [workflow, status] of [
    ["any", "succeeded"],
    ["broken", "failed"],
    ["hold", "running"],
    ["nap", "queued"],
  ] as const) {
    const asked = delivery({ workflow_name: workflow, inputs: {} }, { secret: "a-secret" });
    const { json } = await server.ask("http", asked);
    started[workflow] = json;
    await server.reaches(String(json.run_id), status);
  }
  const { json } = await server.ask(
    "http",
    delivery({ workflow_name: "hold", inputs: {} }, { secret: "a-secret" }),
  );
  await server.admin("POST", `/runs/${json.run_id}/cancel`);
  for (const [query, workflows] of [
    ["status=succeeded", ["any"]],
    ["status=failed", ["broken"]],
    ["status=running", ["hold"]],
    ["status=queued", ["nap"]],
    ["status=cancelled", ["hold"]],
    ["workflow_name=hold", ["hold", "hold"]],
    ["workflow_name=hold&status=running", ["hold"]],
    ["workflow_name=any&status=running", []],
    ["workflow_name=unknown", []],
    [`event_id=${started.broken?.event_id}`, ["broken"]],
    [`event_id=${started.broken?.event_id}&workflow_name=any`, []],
    ["event_id=evt_unknown", []],
    ["event_id=%25&workflow_name=%27%20OR%201=1--", []],
  ] as const) {
    const answer = await server.askBoth({ path: `/runs?${query}`, headers: AUTHORIZED });
    const items = answer.json.items as Json[];
    assert.equal(
      items.map((run) => run.workflow_name),
      workflows,
      query,
    );
  }
});

test("GET /events filters by provider and webhook_id", async ({ server }) => {
  const body = { workflow_name: "any", inputs: {}, webhook_id: "a" };
  await server.ask("http", delivery(body, { secret: "a-secret" }));
  await server.ask("http", delivery({ ...body, webhook_id: "b" }, { secret: "a-secret" }));
  await server.ask("http", delivery(body, { secret: "another-secret", path: "/webhooks/generic-acme" }));
  for (const [query, expected] of [
    ["provider=generic", ["b", "a"]],
    ["provider=generic-acme", ["a"]],
    ["webhook_id=a", ["a", "a"]],
    ["webhook_id=a&provider=generic", ["a"]],
    ["webhook_id=A", []],
    ["provider=unknown", []],
  ] as const) {
    const answer = await server.askBoth({ path: `/events?${query}`, headers: AUTHORIZED });
    assert.equal(idsOf(answer.json, "webhook_id"), expected, query);
  }
});

test("a listed run has no attempts, steps, inputs and result; one by itself has all of them", async ({
  server,
}) => {
  const body = { workflow_name: "write", inputs: { topic: "AI" } };
  const { json } = await server.ask("http", delivery(body, { secret: "a-secret" }));
  await server.reaches(String(json.run_id), "succeeded");
  const listed = ((await server.admin("GET", "/runs")).json.items as Json[])[0] ?? {};
  assert.equal(Object.keys(listed).sort(), RUN_SUMMARY);
  const run = (await server.askBoth({ path: `/runs/${json.run_id}`, headers: AUTHORIZED })).json;
  assert.equal(Object.keys(run).sort(), [...RUN_SUMMARY, "attempts", "inputs", "result", "steps"].sort());
  const instant = "2026-01-01T00:00:00.000Z";
  assert.equal(run, {
    run_id: json.run_id,
    event_id: json.event_id,
    workflow_name: "write",
    replay: 0,
    status: "succeeded",
    waiting_for: null,
    due_at: null,
    inputs: { topic: "AI" },
    result: { text: "About AI" },
    error: null,
    created_at: instant,
    ended_at: instant,
    attempts: [{ attempt: 1, status: "succeeded", started_at: instant, ended_at: instant, error: null }],
    steps: [{ name: "write", kind: "step", result: "About AI", ended_at: instant, due_at: null }],
  });
});

test("a failed run shows its error in the list, by itself and in its attempt", async ({ server }) => {
  const { json } = await server.ask(
    "http",
    delivery({ workflow_name: "broken", inputs: {} }, { secret: "a-secret" }),
  );
  const run = await server.reaches(String(json.run_id), "failed");
  const error = run.error as Json;
  assert.equal(Object.keys(error).sort(), ["code", "message"]);
  assert.equal(
    (run.attempts as Json[]).map((attempt) => attempt.error),
    [error],
  );
  assert.equal(((await server.admin("GET", "/runs")).json.items as Json[])[0]?.error, error);
});

test("a queued run says what it waits for, and until when where a time is known", async ({
  server,
  clock,
}) => {
  const start = async (name: string): Promise<string> => {
    const asked = delivery({ workflow_name: name, inputs: {} }, { secret: "a-secret" });
    return String((await server.ask("http", asked)).json.run_id);
  };
  const napping = await start("nap");
  const flaky = await start("flaky");
  await server.reaches(await start("single"), "running");
  const waiting = await start("single");
  for (const [runId, waitingFor, dueAt] of [
    [napping, "sleep", "2026-01-01T01:00:00.000Z"],
    [flaky, "retry", "2026-01-01T00:00:01.000Z"],
    [waiting, "slot", null],
  ] as const) {
    await server.reaches(runId, "queued");
    for (let turn = 0; turn < 100; turn++) {
      if ((await server.admin("GET", `/runs/${runId}`)).json.waiting_for === waitingFor) break;
      await clock.advance(0);
    }
    const run = (await server.askBoth({ path: `/runs/${runId}`, headers: AUTHORIZED })).json;
    assert.equal([run.status, run.waiting_for, run.due_at], ["queued", waitingFor, dueAt]);
  }
  const elsewhere = await openServer({ storage: server.storage, workflows: {}, clock });
  try {
    assert.is((await elsewhere.admin("GET", `/runs/${waiting}`)).json.waiting_for, "workflow");
    assert.is((await elsewhere.admin("GET", `/runs/${napping}`)).json.waiting_for, "workflow");
  } finally {
    await elsewhere.close();
  }
});

test("a listed event has no headers and no body; one by itself has both", async ({ server }) => {
  const body = { workflow_name: "hold", inputs: { topic: "AI" }, webhook_id: "a" };
  const asked = delivery(body, { secret: "a-secret", headers: { "user-agent": "test/1" } });
  const { json } = await server.ask("http", asked);
  await server.reaches(String(json.run_id), "running");
  const listed = ((await server.admin("GET", "/events")).json.items as Json[])[0] ?? {};
  assert.equal(Object.keys(listed).sort(), EVENT_SUMMARY);
  const event = (await server.askBoth({ path: `/events/${json.event_id}`, headers: AUTHORIZED })).json;
  assert.equal(event, {
    event_id: json.event_id,
    provider: "generic",
    webhook_id: "a",
    id_source: "body",
    type: "hold",
    accepted_at: "2026-01-01T00:00:00.000Z",
    erased_at: null,
    content_type: "application/json",
    notes: [],
    runs: [
      { run_id: json.run_id, workflow_name: "hold", status: "running", status_url: `/runs/${json.run_id}` },
    ],
    headers: { "content-type": "application/json", "user-agent": "test/1" },
    body,
  });
  assert.equal(listed, Object.fromEntries(EVENT_SUMMARY.map((key) => [key, event[key]])));
});

test("a body that is no JSON, or whose numbers JSON would lose, is shown as base64 of its bytes, whatever they are", async ({
  server,
}) => {
  const bytes = Uint8Array.from({ length: 20_000 }, (_, at) => at % 256);
  const page = new TextEncoder().encode("<script>alert(1)</script>");
  for (const [id, body, contentType] of [
    ["evt_bytes", bytes, "application/octet-stream"],
    ["evt_page", page, "text/html"],
    ["evt_broken", page, "application/json"],
    ["evt_number", new TextEncoder().encode('{"a":[1e400]}'), "application/json"],
    ["evt_text", new TextEncoder().encode('{"a":1}'), "text/plain"],
  ] as const) {
    await server.storage.accept(
      eventOf(null, { id, body, contentType }),
      [runOf("any", { id: `run_${id}` })],
      "conflict",
    );
    const answer = await server.askBoth({ path: `/events/${id}`, headers: AUTHORIZED });
    assert.is(answer.headers.get("content-type"), "application/json");
    assert.is(answer.json.body_base64, Buffer.from(body).toString("base64"));
    assert.not.ok("body" in answer.json);
    assert.is((await server.admin("GET", `/runs/run_${id}`)).status, 200);
  }
});

test("GET /workflows lists what can run, by name", async ({ server }) => {
  const { json } = await server.askBoth({ path: "/workflows", headers: AUTHORIZED });
  const items = json.items as Json[];
  assert.equal(idsOf(json, "workflow_name"), [
    "acme",
    "any",
    "broken",
    "flaky",
    "hold",
    "nap",
    "single",
    "write",
  ]);
  const bare = { kind: "code", description: null, on: null, concurrency: null };
  assert.equal(items[0], { ...bare, workflow_name: "acme", on: [{ provider: "generic-acme" }] });
  assert.equal(items[1], { ...bare, workflow_name: "any" });
  assert.equal(items.at(-1), {
    ...bare,
    workflow_name: "write",
    description: "Writes about a topic",
    concurrency: 4,
  });
});

test("unknown ids get one and the same 404", async ({ server }) => {
  const { json } = await server.ask(
    "http",
    delivery({ workflow_name: "any", inputs: {} }, { secret: "a-secret" }),
  );
  for (const path of [
    "/runs/run_unknown",
    "/runs/1",
    "/runs/__proto__",
    `/runs/${json.event_id}`,
    `/runs/${String(json.run_id).toLowerCase()}`,
    "/events/evt_unknown",
    "/events/1",
    `/events/${json.run_id}`,
    `/runs/${"a".repeat(5_000)}`,
  ]) {
    const answer = await server.askBoth({ path, headers: AUTHORIZED });
    assert.equal(
      [answer.status, problemOf(answer).name, answer.json.detail],
      [404, "not_found", "Nothing is here"],
    );
  }
});

test("the only numbers in answers are counts that are meant to be seen: no row number leaves", async ({
  server,
}) => {
  const body = { workflow_name: "write", inputs: { topic: "AI" }, webhook_id: "a" };
  const asked = delivery(body, { secret: "a-secret" });
  const accepted = await server.ask("http", asked);
  await server.reaches(String(accepted.json.run_id), "succeeded");
  const { event_id: eventId, run_id: runId } = accepted.json;
  const replayed = await server.admin("POST", `/events/${eventId}/replay`);
  const answers = [accepted, await server.ask("http", asked), replayed];
  for (const path of ["/runs", "/events", "/workflows", `/runs/${runId}`, `/events/${eventId}`]) {
    answers.push(await server.admin("GET", path));
  }
  const numbers = new Set(answers.flatMap(({ json }) => numbersIn(json)));
  assert.equal([...numbers].sort(), ["attempt", "concurrency", "replay"]);
  for (const { json } of answers) {
    for (const key of ["id", "seq", "event_seq", "run_seq", "rowid"])
      assert.not.ok(keysIn(json).has(key), key);
  }
});

test("times are RFC 3339 in UTC wherever they stand", async ({ server }) => {
  const { json } = await server.ask(
    "http",
    delivery({ workflow_name: "nap", inputs: {} }, { secret: "a-secret" }),
  );
  await server.reaches(String(json.run_id), "queued");
  for (const path of [`/runs/${json.run_id}`, `/events/${json.event_id}`]) {
    const times = timesIn((await server.admin("GET", path)).json);
    assert.ok(times.length > 0);
    for (const time of times) assert.match(String(time), INSTANT);
  }
});

test.run();

/** Starts runs one second apart. @returns their ids, the oldest first */
async function startMany(server: TestServer, clock: ManualClock, count: number): Promise<string[]> {
  const runIds: string[] = [];
  for (let at = 0; at < count; at++) {
    const asked = delivery({ workflow_name: "any", inputs: {} }, { secret: "a-secret" });
    runIds.push(String((await server.ask("http", asked)).json.run_id));
    clock.block(1_000);
  }
  for (const runId of runIds) await server.reaches(runId, "succeeded");
  return runIds;
}

function idsOf({ items }: Json, key: string): unknown[] {
  return (items as Json[]).map((item) => item[key]);
}

/** The keys of every number in a JSON value. */
function numbersIn(value: unknown, key = ""): string[] {
  if (typeof value === "number") return [key];
  if (Array.isArray(value)) return value.flatMap((one) => numbersIn(one, key));
  return typeof value === "object" && value !== null
    ? Object.entries(value).flatMap(([inner, one]) => numbersIn(one, inner))
    : [];
}

function keysIn(value: unknown): Set<string> {
  const keys = new Set<string>();
  JSON.stringify(value, (key, inner) => {
    keys.add(key);
    return inner;
  });
  return keys;
}

function timesIn(value: unknown): unknown[] {
  const times: unknown[] = [];
  JSON.stringify(value, (key, inner) => {
    if (key.endsWith("_at") && inner !== null) times.push(inner);
    return inner;
  });
  return times;
}
