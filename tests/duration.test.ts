import { suite } from "uvu";
import * as assert from "uvu/assert";
import { type Duration, parseDuration } from "../lib/duration.ts";

const test = suite("duration");

const good: [Duration, number][] = [
  [0, 0],
  [1_500, 1_500],
  [0.4, 0],
  ["250ms", 250],
  ["8s", 8_000],
  ["5m", 300_000],
  ["12h", 43_200_000],
  ["30d", 2_592_000_000],
  ["1.5s", 1_500],
  ["0.0004s", 0],
  ["3650d", 315_360_000_000],
];
for (const [duration, ms] of good) {
  test(`${JSON.stringify(duration)} is ${ms} ms`, () => assert.is(parseDuration(duration), ms));
}

const bad: unknown[] = [
  -1,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  "",
  "5",
  "5 m",
  "-5m",
  "5M",
  "5min",
  ".5s",
  "1e3ms",
  "3651d",
  "m",
  "5m\n",
  null,
  {},
];
for (const duration of bad) {
  test(`${JSON.stringify(duration) ?? duration} is no duration`, () => {
    assert.throws(
      () => parseDuration(duration as Duration, "timeout"),
      (error: Error) => error instanceof TypeError && /as timeout: give milliseconds/.test(error.message),
    );
  });
}

test.run();
