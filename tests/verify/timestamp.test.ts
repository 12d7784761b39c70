import { suite } from "uvu";
import * as assert from "uvu/assert";
import { formatTimestamp, parseTimestamp } from "../../lib/verify/timestamp.ts";

const test = suite("verify/timestamp");

const AT = 1_793_606_400_000;

test("each unit has one length, and its text names the instant", () => {
  assert.is(parseTimestamp("1793606400", "s"), AT);
  assert.is(parseTimestamp("1793606400123", "ms"), AT + 123);
  for (const text of [
    "2026-11-02T08:00:00Z",
    "2026-11-02T08:00:00.000Z",
    "2026-11-02T08:00:00+00:00",
    "2026-11-02T01:00:00-07:00",
    "2026-11-02T13:30:00.000000+05:30",
  ])
    assert.is(parseTimestamp(text, "rfc3339"), AT, text);
});

test("what was formatted is read as the same instant, to the unit", () => {
  assert.is(formatTimestamp(AT + 999, "s"), "1793606400");
  assert.is(formatTimestamp(AT + 999.9, "ms"), "1793606400999");
  assert.is(formatTimestamp(AT + 999, "rfc3339"), "2026-11-02T08:00:00+00:00");
  for (const unit of ["s", "ms", "rfc3339"] as const)
    assert.is(parseTimestamp(formatTimestamp(AT, unit), unit), AT, unit);
});

const WRONG = [
  "",
  " ",
  "0",
  "-1",
  "NaN",
  "Infinity",
  "null",
  "1e9",
  "0x6ae8f500",
  "0793606400",
  "0793606400123",
  "179360640",
  "17936064000",
  "179360640012",
  "17936064001234",
  "+1793606400",
  "-1793606400",
  " 1793606400",
  "1793606400 ",
  "1793606400\n",
  "1793606400.0",
  "1793606400,1793606400",
  "1_793_606_400",
  "\u0661\u0667\u0669\u0663\u0666\u0660\u0666\u0664\u0660\u0660",
  "9".repeat(400),
  "2026-11-02",
  "2026-11-02T08:00:00",
  "2026-11-02T08:00Z",
  "2026-11-02 08:00:00Z",
  "2026-11-02t08:00:00z",
  "2026-11-02T08:00:00.Z",
  "2026-11-02T08:00:00.1234567890Z",
  "2026-11-02T08:00:00+0000",
  "2026-11-02T08:00:00 Z",
  "+002026-11-02T08:00:00Z",
  "26-11-02T08:00:00Z",
  "2026-13-02T08:00:00Z",
  "2026-11-02T25:00:00Z",
  "2026-11-02T08:61:00Z",
  "Mon, 02 Nov 2026 08:00:00 GMT",
  "}2026-11-02T08:00:00Z",
];

test("any other text is no time in any unit", () => {
  for (const text of WRONG) {
    for (const unit of ["s", "ms", "rfc3339"] as const)
      assert.is(parseTimestamp(text, unit), null, `${JSON.stringify(text)} in ${unit}`);
  }
});

test("a time of one unit is none of another", () => {
  assert.is(parseTimestamp("1793606400", "ms"), null);
  assert.is(parseTimestamp("1793606400123", "s"), null);
  assert.is(parseTimestamp("1793606400", "rfc3339"), null);
  assert.is(parseTimestamp("2026-11-02T08:00:00Z", "s"), null);
});

test.run();
