import { suite } from "uvu";
import * as assert from "uvu/assert";
import { WebhookError } from "../lib/errors.ts";
import { encodeText } from "../lib/json.ts";
import { parseJson } from "../lib/parse-json.ts";

const test = suite("parse-json");

function refusal(bytes: Uint8Array): WebhookError {
  try {
    parseJson(bytes);
  } catch (error) {
    if (error instanceof WebhookError) return error;
    throw error;
  }
  throw new Error("it was parsed");
}

test("any JSON value is parsed, not objects alone", () => {
  for (const text of ["{}", "[]", "null", "0", '"\\ud800"', ' {"a":[1,{"b":"]}{["}]} ', '"grüße 🎣"']) {
    assert.equal(parseJson(encodeText(text)), JSON.parse(text), text);
  }
});

test("__proto__ in a body is a field like any other", () => {
  const value = parseJson(encodeText('{"__proto__":{"admin":true}}'));
  assert.is(Reflect.get(value as object, "admin"), undefined);
  assert.ok(Object.hasOwn(value as object, "__proto__"));
});

test("what is no JSON is refused, and no value stands in the error", () => {
  for (const text of [
    "",
    " ",
    "{",
    "hunter2",
    '{"password":"hunter2"',
    '{"a":hunter2}',
    "[1,]",
    "NaN",
    "'a'",
  ]) {
    const error = refusal(encodeText(text));
    assert.is(error.code, "json_invalid", text);
    assert.not.match(`${error.message} ${String(error.cause)}`, "hunter2");
  }
});

test("bytes that are not UTF-8 are refused, not replaced", () => {
  const cases: number[][] = [
    [0x22, 0xff, 0x22],
    [0x22, 0xc3, 0x22], // a first byte without its second
    [0x22, 0xc0, 0xa2, 0x22], // a quote spelled in two bytes
    [0x22, 0xed, 0xa0, 0x80, 0x22], // half of a surrogate pair
    [0x7b, 0x00, 0x7d, 0x00], // UTF-16
  ];
  for (const bytes of cases) assert.is(refusal(Uint8Array.from(bytes)).code, "json_invalid", String(bytes));
});

test("a byte order mark is refused", () => {
  assert.is(refusal(Uint8Array.from([0xef, 0xbb, 0xbf, 0x7b, 0x7d])).code, "json_invalid");
});

test("200 levels pass and 201 do not", () => {
  for (const [open, close] of [
    ["[", "]"],
    ['{"a":', "}"],
  ] as const) {
    const nested = (levels: number) => encodeText(open.repeat(levels) + 0 + close.repeat(levels));
    parseJson(nested(200));
    assert.is(refusal(nested(201)).code, "json_too_deep");
  }
});

test("brackets beside each other and inside of texts are no levels", () => {
  parseJson(encodeText(`[${"[],".repeat(1_000)}[]]`));
  parseJson(encodeText(JSON.stringify("[".repeat(1_000))));
  parseJson(encodeText(JSON.stringify(`"\\${'"['.repeat(1_000)}\\`)));
});

test("a million open brackets are refused before the parser sees them", () => {
  const startedAt = performance.now();
  assert.is(refusal(encodeText("[".repeat(1_000_000))).code, "json_too_deep");
  assert.ok(performance.now() - startedAt < 1_000);
});

test.run();
