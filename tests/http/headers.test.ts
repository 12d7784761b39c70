import { suite } from "uvu";
import * as assert from "uvu/assert";
import { toResponse } from "../../lib/answer.ts";
import { emptyAnswer, jsonAnswer, STANDARD_HEADERS } from "../../lib/http/headers.ts";

const test = suite("http/headers");

test("a JSON answer has its status, its value and the standard headers", async () => {
  const response = toResponse(jsonAnswer(202, { topic: "grüße" }, { location: "/runs/run_1" }));
  assert.is(response.status, 202);
  assert.equal(await response.json(), { topic: "grüße" });
  assert.equal(Object.fromEntries(response.headers), {
    "cache-control": "no-store",
    "content-type": "application/json",
    location: "/runs/run_1",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
  });
});

test("an empty answer has the standard headers and no body", async () => {
  const response = toResponse(emptyAnswer(204));
  assert.is(response.body, null);
  assert.equal(Object.fromEntries(response.headers), { ...STANDARD_HEADERS });
});

test.run();
