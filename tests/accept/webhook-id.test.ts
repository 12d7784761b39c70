import { suite } from "uvu";
import * as assert from "uvu/assert";
import { isLongWebhookId, parseIdempotencyKey, parseWebhookId } from "../../lib/accept/webhook-id.ts";
import { WebhookError } from "../../lib/errors.ts";

const test = suite("accept/webhook-id");

/** The id, or the pointer and detail of the one fault. */
function outcome(parse: () => string | null): string | null {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof WebhookError)) throw error;
    assert.is(error.code, "fields_invalid");
    assert.match(error.message, /webhook_id is not usable/);
    assert.is(error.faults.length, 1);
    return `${error.faults[0]?.pointer}: ${error.faults[0]?.detail}`;
  }
}

test("a text of 1 to 255 characters is an id, as it stands", () => {
  for (const id of [
    "a",
    " ",
    " a ",
    "evt_1",
    "grüße",
    "{}",
    "../..",
    "__proto__",
    "a".repeat(255),
    "🎣".repeat(255),
  ]) {
    assert.is(parseWebhookId(id), id);
  }
});

test("a missing id and null are no id", () => {
  assert.is(parseWebhookId(undefined), null);
  assert.is(parseWebhookId(null), null);
});

test("what is no usable id is refused without its value", () => {
  const cases: [unknown, RegExp][] = [
    ["", /empty/],
    [0, /string/],
    [17, /string/],
    [true, /string/],
    [["a"], /string/],
    [{}, /string/],
    ["a".repeat(256), /255/],
    ["🎣".repeat(256), /255/],
    ["secret\0", /control/],
    ["secret\n", /control/],
    ["secret\u007f", /control/],
    ["secret\u0085", /control/],
    ["secret\ud800", /well-formed/],
    ["\udc00secret", /well-formed/],
  ];
  for (const [value, expected] of cases) {
    const said = outcome(() => parseWebhookId(value, "/id")) ?? "";
    assert.match(said, expected, JSON.stringify(value));
    assert.match(said, /^\/id: /);
    assert.not.match(said, "secret");
  }
});

test("a key is taken bare or quoted, and both spell the same id", () => {
  const cases: [string, string][] = [
    ["abc", "abc"],
    ['"abc"', "abc"],
    ["8e03978e-40d5-43dd-bc93-6894a57f9324", "8e03978e-40d5-43dd-bc93-6894a57f9324"],
    ['"a b, c"', "a b, c"],
    ['"a\\"b\\\\c"', 'a"b\\c'],
    ["a\\b", "a\\b"],
    ["a".repeat(255), "a".repeat(255)],
    [`"${"a".repeat(255)}"`, "a".repeat(255)],
  ];
  for (const [header, id] of cases) assert.is(parseIdempotencyKey(header), id, header);
  assert.is(parseIdempotencyKey(null), null);
});

test("what is no one key is refused at /webhook_id", () => {
  const cases = [
    "",
    '""',
    '"',
    '"abc',
    'abc"',
    '"a"b"',
    '"a\\b"',
    '"a\\"',
    "a, b", // two headers
    '"a", "b"',
    "a,b",
    "a b",
    "grüße",
    '"grüße"',
    '"a";p=1',
    "'a b'",
    "a".repeat(256),
    `"${"a".repeat(256)}"`,
  ];
  for (const header of cases) {
    assert.match(outcome(() => parseIdempotencyKey(header)) ?? "", /^\/webhook_id: /, header);
  }
});

test("a header that was sent twice is refused, also with the same key", () => {
  const headers = new Headers([
    ["idempotency-key", "a"],
    ["Idempotency-Key", "a"],
  ]);
  assert.match(outcome(() => parseIdempotencyKey(headers.get("idempotency-key"))) ?? "", /one key/);
});

test("a long header is refused in no time, whatever it is made of", () => {
  const startedAt = performance.now();
  for (const part of ["\\", '\\"', "a", '"', " "]) {
    outcome(() => parseIdempotencyKey(`"${part.repeat(50_000)}`));
    outcome(() => parseIdempotencyKey(`"${part.repeat(50_000)}"x`));
  }
  assert.ok(performance.now() - startedAt < 1_000);
});

test("length counts characters, not their units", () => {
  assert.is(isLongWebhookId("🎣".repeat(255)), false);
  assert.is(isLongWebhookId(`${"🎣".repeat(255)}a`), true);
});

test.run();
