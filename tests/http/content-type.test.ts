import { suite } from "uvu";
import * as assert from "uvu/assert";
import { WebhookError } from "../../lib/errors.ts";
import { checkContentType } from "../../lib/http/content-type.ts";

const test = suite("http/content-type");

/** The code of the refusal, or `taken`. */
function outcome(headers: Readonly<Record<string, string>>): string {
  try {
    checkContentType(new Headers(headers), ["application/json"]);
    return "taken";
  } catch (error) {
    if (error instanceof WebhookError) return error.code;
    throw error;
  }
}

const TYPES: [type: string, outcome: string][] = [
  ["application/json", "taken"],
  ["Application/JSON", "taken"],
  ["application/json;charset=utf-8", "taken"],
  ['application/json ; Charset = "UTF-8"', "taken"],
  ["application/json; v=1", "taken"],
  ["application/json;", "taken"],
  ["", "content_type"],
  ["text/plain", "content_type"],
  ["application/jsonl", "content_type"],
  ["application/json; charset=latin1", "content_type"],
  ["application/json; charset", "content_type"],
  ["application/json; charset=", "content_type"],
  ['application/json; charset="utf-8', "content_type"],
  ["application/json; charset=utf-8=latin1", "content_type"],
  ["application/json; v=1; charset=utf-16", "content_type"],
  ["application/json, application/json", "content_type"],
  ["application/json; v=1, application/json", "content_type"],
];
for (const [type, expected] of TYPES) {
  test(`${JSON.stringify(type)} is ${expected}`, () => {
    assert.is(outcome({ "content-type": type }), expected);
  });
}

test("no content type at all is refused", () => {
  assert.is(outcome({}), "content_type");
});

test("an encoding is refused whatever the type, but for identity", () => {
  for (const [encoding, expected] of [
    ["identity", "taken"],
    ["Identity", "taken"],
    ["gzip", "content_encoding"],
    ["identity, gzip", "content_encoding"],
    ["", "content_encoding"],
  ] as const) {
    assert.is(
      outcome({ "content-type": "application/json", "content-encoding": encoding }),
      expected,
      encoding,
    );
  }
});

test.run();
