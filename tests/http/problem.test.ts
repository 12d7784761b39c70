import { suite } from "uvu";
import * as assert from "uvu/assert";
import { toResponse } from "../../lib/answer.ts";
import { InvalidSignatureError, ReplayAttackError, WebhookError } from "../../lib/errors.ts";
import {
  methodNotAllowed,
  PROBLEMS,
  ProblemError,
  problemAnswer,
  problemCode,
} from "../../lib/http/problem.ts";

const test = suite("http/problem");

test("every code has its status", () => {
  const statuses: Record<number, string[]> = {
    400: [
      "target_invalid",
      "header_repeated",
      "challenge_invalid",
      "body_unreadable",
      "json_invalid",
      "json_too_deep",
      "form_invalid",
    ],
    401: ["signature_invalid", "unauthorized"],
    403: ["origin_foreign", "verify_token_invalid"],
    404: ["not_found", "provider_unknown", "workflow_unknown"],
    405: ["method_not_allowed"],
    409: ["not_possible", "unfinished", "nothing_to_start", "erased"],
    413: ["body_too_large"],
    415: ["content_type", "content_encoding"],
    422: ["fields_invalid", "id_conflict", "input_invalid", "query_invalid", "cursor_unknown"],
    429: ["too_many_failures", "rate_limited"],
    500: ["run_failed", "run_cancelled"],
    503: ["overloaded", "stopping", "storage_unavailable", "internal"],
  };
  const expected = Object.entries(statuses).flatMap(([status, codes]) =>
    codes.map((code) => `${code} ${status}`),
  );
  assert.equal([...PROBLEMS].map(([code, { status }]) => `${code} ${status}`).sort(), expected.sort());
});

test("a refusal is a problem with its message, its faults and the request's id", async () => {
  const faults = [{ pointer: "/inputs/topic", detail: "must be a string" }];
  const error = new WebhookError("input_invalid", "Cannot start test: its inputs do not fit", { faults });
  const response = toResponse(problemAnswer(error, "req_1"));
  assert.is(response.status, 422);
  assert.equal(await response.json(), {
    type: "urn:latchhook:input_invalid",
    title: "Inputs invalid",
    status: 422,
    detail: "Cannot start test: its inputs do not fit",
    request_id: "req_1",
    errors: faults,
  });
  assert.equal(Object.fromEntries(response.headers), {
    "cache-control": "no-store",
    "content-type": "application/problem+json",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
  });
});

test("401, 403, 404, 429 and 5xx say the same whatever happened", async () => {
  for (const [code, { status }] of PROBLEMS) {
    if (![401, 403, 404, 429].includes(status) && status < 500) continue;
    const error = new WebhookError(code, "hunter2", { faults: [{ pointer: "/hunter2", detail: "hunter2" }] });
    const text = await toResponse(problemAnswer(error, "req_1")).text();
    assert.not.match(text, "hunter2", code);
    assert.not.match(text, "errors", code);
  }
});

test("the refused signature's reason is not told", async () => {
  const texts = (["no_secret", "missing", "malformed", "mismatch"] as const).map((reason) =>
    toResponse(problemAnswer(new InvalidSignatureError(reason, `It is ${reason}`), "req_1")).text(),
  );
  assert.is(new Set(await Promise.all(texts)).size, 1);
});

test("what is not a refusal of ours is our own fault: 503 and try again, and nothing is told", async () => {
  const coded = Object.assign(new Error("hunter2"), { code: "not_found" });
  const errors: unknown[] = [
    new Error("hunter2"),
    new TypeError("hunter2"),
    coded,
    "hunter2",
    null,
    undefined,
    new WebhookError("hunter2", "hunter2"),
    new WebhookError("__proto__", "hunter2"),
    new ReplayAttackError("hunter2", "generic"),
  ];
  for (const error of errors) {
    const response = toResponse(problemAnswer(error, "req_1"));
    assert.is(response.status, 503);
    assert.match(response.headers.get("retry-after") ?? "", /^\d+$/);
    assert.is(problemCode(error), "internal");
    const text = await response.text();
    assert.match(text, '"urn:latchhook:internal"');
    assert.not.match(text, "hunter2");
  }
});

test("each status has the header that it must have", () => {
  const required: Record<number, string> = {
    401: "www-authenticate",
    429: "retry-after",
    503: "retry-after",
  };
  for (const [code, { status }] of PROBLEMS) {
    const name = required[status];
    const { headers } = toResponse(problemAnswer(new WebhookError(code, ""), "req_1"));
    if (name !== undefined) assert.ok(headers.get(name), code);
  }
  const admin = toResponse(problemAnswer(new WebhookError("unauthorized", ""), "req_1")).headers;
  assert.match(admin.get("www-authenticate") ?? "", /^Bearer /);
});

test("405 names the methods that are allowed", async () => {
  const response = toResponse(problemAnswer(methodNotAllowed(["GET", "HEAD"]), "req_1"));
  assert.is(response.status, 405);
  assert.is(response.headers.get("allow"), "GET, HEAD");
  assert.match((await response.json()).detail, "GET, HEAD");
});

test("a problem may have members and headers of its own", async () => {
  const error = new ProblemError("run_failed", "hunter2", {
    extensions: { run_id: "run_1", run_status: "failed", duplicate: true },
    headers: { "preference-applied": "wait=5" },
  });
  const response = toResponse(problemAnswer(error, "req_1"));
  const { run_id, run_status, duplicate, status, detail } = await response.json();
  assert.equal([run_id, run_status, duplicate, status], ["run_1", "failed", true, 500]);
  assert.not.match(detail, "hunter2");
  assert.is(response.headers.get("preference-applied"), "wait=5");
});

test("at most 50 faults are told, and a pointer of any length is cut", async () => {
  const faults = Array.from({ length: 51 }, () => ({
    pointer: `/${"ü".repeat(10_000)}`,
    detail: "is wrong",
  }));
  const text = await toResponse(
    problemAnswer(new WebhookError("input_invalid", "", { faults }), "req_1"),
  ).text();
  assert.is(JSON.parse(text).errors.length, 50);
  assert.ok(text.length < 60_000, `${text.length}`);
});

test.run();
