import { suite } from "uvu";
import * as assert from "uvu/assert";
import { retryAfterMs } from "../../../lib/flows/http/retry-after.ts";

const test = suite("flows/http/retry-after");

const NOW = Date.UTC(2026, 2, 1, 12);

const cases: [header: string | undefined, ms: number | null][] = [
  ["1", 1_000],
  [" 120 ", 120_000],
  ["86400", 86_400_000],
  ["86401", 86_400_000],
  ["999999999999999", 86_400_000],
  ["Sun, 01 Mar 2026 12:00:30 GMT", 30_000],
  ["Sunday, 01-Mar-26 12:00:30 GMT", 30_000],
  ["Sun Mar  1 12:00:30 2026", 30_000],
  ["Tue, 31 Mar 2026 12:00:30 GMT", 86_400_000],
  ["Sun, 01 Mar 2026 11:59:59 GMT", null],
  ["Sun, 01 Mar 2026 12:00:00 GMT", null],
  ["0", null],
  ["-1", null],
  ["1.5", null],
  ["1e3", null],
  ["soon", null],
  ["2026-03-01T12:00:30Z", null],
  ["Sun, 01 Mrz 2026 12:00:30 GMT", null],
  ["Sun, 99 Mar 2026 12:00:30 GMT", null],
  ["9999999999999999", null],
  ["", null],
  [undefined, null],
];
for (const [header, ms] of cases) {
  test(`${JSON.stringify(header)} is ${ms === null ? "no wait" : `${ms} ms`}`, () => {
    assert.is(retryAfterMs(header, NOW), ms);
  });
}

test.run();
