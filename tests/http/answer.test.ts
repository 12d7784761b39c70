import { suite } from "uvu";
import * as assert from "uvu/assert";
import { defineWorkflow } from "../../lib/define-workflow.ts";
import {
  type AnswerContext,
  acceptJson,
  eventJson,
  eventSummaryJson,
  runJson,
  runSummaryJson,
  succeededJson,
  workflowJson,
} from "../../lib/http/answer.ts";
import { encodeText } from "../../lib/json.ts";
import type { AcceptOutcome, EventRecord, RunRecord, RunSummary } from "../../lib/repositories.ts";

const test = suite("http/answer");

const NOW = Date.UTC(2026, 0, 1);
const context: AnswerContext = { urlBase: "/hooks", now: NOW, hasWorkflow: (name) => name === "test" };

const outcome: AcceptOutcome = {
  kind: "accepted",
  eventId: "evt_1",
  webhookId: "a",
  runs: [{ runId: "run_1", workflowName: "test", status: "queued" }],
  claimed: [],
};

const run: RunRecord = {
  runId: "run_1",
  eventId: "evt_1",
  workflowName: "test",
  replay: 0,
  status: "queued",
  waitingFor: null,
  dueAt: null,
  error: null,
  createdAt: NOW,
  endedAt: null,
  provider: "generic",
  eventContentType: "application/json",
  eventBody: encodeText('{"workflow_name":"test","inputs":{"topic":"AI"}}'),
  result: null,
  attempts: [],
  steps: [],
};

const event: EventRecord = {
  eventId: "evt_1",
  provider: "generic",
  webhookId: "a",
  idSource: "body",
  type: "test",
  acceptedAt: NOW,
  erasedAt: null,
  contentType: "application/json",
  notes: ["a note"],
  runs: outcome.runs,
  headers: { "content-type": "application/json" },
  body: encodeText('{"a":1}'),
};

test("an accepted delivery is told its event and its run, under the base path", () => {
  assert.equal(acceptJson(outcome, "/hooks"), {
    status: "accepted",
    event_id: "evt_1",
    webhook_id: "a",
    runs: [{ run_id: "run_1", workflow_name: "test", status: "queued", status_url: "/hooks/runs/run_1" }],
    run_id: "run_1",
    workflow_name: "test",
    run_status: "queued",
    status_url: "/hooks/runs/run_1",
  });
});

test("a duplicate is told so, with the run as it is now", () => {
  const runs = [{ runId: "run_1", workflowName: "test", status: "failed" as const }];
  const { status, run_status, runs: told } = acceptJson({ ...outcome, kind: "duplicate", runs }, "");
  assert.equal([status, run_status, told[0]?.status], ["duplicate", "failed", "failed"]);
});

test("no run and several are told by runs alone", () => {
  const two = [...outcome.runs, { runId: "run_2", workflowName: "other", status: "running" as const }];
  for (const runs of [[], two]) {
    const json = acceptJson({ ...outcome, runs }, "");
    assert.is(json.runs.length, runs.length);
    assert.equal(
      [json.run_id, json.workflow_name, json.run_status, json.status_url],
      [null, null, null, null],
    );
  }
});

test("a success that was waited for has the result, and a copy is told that it is one", () => {
  const first = succeededJson(outcome, '{"text":"x"}', "");
  assert.equal(
    [first.status, first.run_status, first.runs[0]?.status],
    ["succeeded", "succeeded", "succeeded"],
  );
  assert.equal(first.result, { text: "x" });
  assert.not.ok("duplicate" in first);
  const copy = succeededJson({ ...outcome, kind: "duplicate" }, null, "");
  assert.equal([copy.status, copy.duplicate, copy.result], ["succeeded", true, null]);
});

test("what a queued run waits for is worked out when it is read", () => {
  const cases: [Partial<RunSummary>, string | null][] = [
    [{}, "slot"],
    [{ waitingFor: "retry", dueAt: NOW + 1 }, "retry"],
    [{ waitingFor: "sleep", dueAt: NOW + 1 }, "sleep"],
    [{ waitingFor: "retry", dueAt: NOW }, "slot"],
    [{ workflowName: "gone" }, "workflow"],
    [{ workflowName: "gone", waitingFor: "retry", dueAt: NOW + 1 }, "workflow"],
    [{ status: "running" }, null],
    [{ status: "running", workflowName: "gone" }, null],
    [{ status: "succeeded", waitingFor: "sleep", dueAt: NOW + 1 }, null],
  ];
  for (const [changes, expected] of cases) {
    const json = runSummaryJson({ ...run, ...changes }, context);
    assert.is(json.waiting_for, expected, JSON.stringify(changes));
  }
});

test("a run is shown with its attempts, steps, inputs and times in RFC 3339", () => {
  const json = runJson(
    {
      ...run,
      status: "succeeded",
      result: '{"text":"x"}',
      endedAt: NOW + 1_500,
      attempts: [
        {
          fence: 3,
          status: "failed",
          startedAt: NOW,
          endedAt: NOW + 1,
          error: { code: "threw", message: "no" },
        },
      ],
      steps: [
        { name: "write", kind: "step", result: "[1]", dueAt: null, endedAt: NOW },
        { name: "nothing", kind: "step", result: null, dueAt: null, endedAt: NOW },
        { name: "over", kind: "sleep", result: null, dueAt: NOW, endedAt: null },
        { name: "asleep", kind: "sleep", result: null, dueAt: NOW + 1, endedAt: null },
      ],
    },
    context,
  );
  assert.equal(json, {
    run_id: "run_1",
    event_id: "evt_1",
    workflow_name: "test",
    replay: 0,
    status: "succeeded",
    waiting_for: null,
    due_at: null,
    error: null,
    created_at: "2026-01-01T00:00:00.000Z",
    ended_at: "2026-01-01T00:00:01.500Z",
    inputs: { topic: "AI" },
    result: { text: "x" },
    attempts: [
      {
        attempt: 3,
        status: "failed",
        started_at: "2026-01-01T00:00:00.000Z",
        ended_at: "2026-01-01T00:00:00.001Z",
        error: { code: "threw", message: "no" },
      },
    ],
    steps: [
      { name: "write", kind: "step", result: [1], ended_at: "2026-01-01T00:00:00.000Z", due_at: null },
      { name: "nothing", kind: "step", result: null, ended_at: "2026-01-01T00:00:00.000Z", due_at: null },
      {
        name: "over",
        kind: "sleep",
        result: null,
        ended_at: "2026-01-01T00:00:00.000Z",
        due_at: "2026-01-01T00:00:00.000Z",
      },
      { name: "asleep", kind: "sleep", result: null, ended_at: null, due_at: "2026-01-01T00:00:00.001Z" },
    ],
  });
});

test("a run's inputs are a generic body's inputs, any other provider's whole body, and null once erased", () => {
  const body = encodeText('{"inputs":{"a":1}}');
  assert.equal(runJson({ ...run, eventBody: body }, context).inputs, { a: 1 });
  assert.equal(runJson({ ...run, provider: "acme", eventBody: body }, context).inputs, { inputs: { a: 1 } });
  for (const provider of ["generic", "acme"]) {
    assert.is(runJson({ ...run, provider, eventBody: null }, context).inputs, null);
  }
});

test("a list leaves out attempts, steps, inputs, result, headers and body", () => {
  const shown = { ...runSummaryJson(run, context), ...eventSummaryJson(event, "") };
  for (const name of ["attempts", "steps", "inputs", "result", "headers", "body", "body_base64"]) {
    assert.not.ok(name in shown, name);
  }
});

test("an event is shown with its parsed body and its runs", () => {
  assert.equal(eventJson({ ...event, erasedAt: NOW }, "https://hooks.example.org"), {
    event_id: "evt_1",
    provider: "generic",
    webhook_id: "a",
    id_source: "body",
    type: "test",
    accepted_at: "2026-01-01T00:00:00.000Z",
    erased_at: "2026-01-01T00:00:00.000Z",
    content_type: "application/json",
    notes: ["a note"],
    runs: [
      {
        run_id: "run_1",
        workflow_name: "test",
        status: "queued",
        status_url: "https://hooks.example.org/runs/run_1",
      },
    ],
    headers: { "content-type": "application/json" },
    body: { a: 1 },
  });
});

test("a body that is not JSON is shown as base64, an erased one as null", () => {
  const cases: [contentType: string, body: Uint8Array | null, expected: object][] = [
    ["application/json; charset=utf-8", encodeText("[1]"), { body: [1] }],
    ["Application/JSON;charset=utf-8", encodeText("null"), { body: null }],
    ["application/cloudevents+json", encodeText("1"), { body: 1 }],
    ["application/json", encodeText("{"), { body_base64: "ew==" }],
    ["application/json", Uint8Array.from([0xff]), { body_base64: "/w==" }],
    ["text/html", encodeText("[1]"), { body_base64: "WzFd" }],
    ["application/jsonp", encodeText("[1]"), { body_base64: "WzFd" }],
    ["", encodeText("[1]"), { body_base64: "WzFd" }],
    ["text/html", null, { body: null }],
  ];
  for (const [contentType, body, expected] of cases) {
    const { body: value, body_base64 } = eventJson({ ...event, contentType, body }, "");
    const shown = body_base64 === undefined ? { body: value } : { body_base64 };
    assert.equal(shown, expected, contentType);
  }
});

test("a large body that is not JSON keeps every byte", () => {
  const body = Uint8Array.from({ length: 100_001 }, (_, at) => at % 256);
  const { body_base64 = "" } = eventJson({ ...event, contentType: "image/png", body }, "");
  assert.is(Buffer.compare(Buffer.from(body_base64, "base64"), body), 0);
});

test("a workflow is shown with what starts it", () => {
  const named = (workflow: ReturnType<typeof defineWorkflow>) => ({ name: "test", fileHash: null, workflow });
  const run = () => {};
  assert.equal(workflowJson(named(defineWorkflow({ run }))), {
    workflow_name: "test",
    kind: "code",
    description: null,
    on: null,
    concurrency: null,
  });
  const full = defineWorkflow({ description: "A test", on: [{ provider: "generic" }], concurrency: 2, run });
  assert.equal(workflowJson(named(full)), {
    workflow_name: "test",
    kind: "code",
    description: "A test",
    on: [{ provider: "generic" }],
    concurrency: 2,
  });
});

test.run();
