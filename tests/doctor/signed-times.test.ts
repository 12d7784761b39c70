import { suite } from "uvu";
import * as assert from "uvu/assert";
import { SignedTimes } from "../../lib/doctor/signed-times.ts";

const test = suite("doctor/signed-times");

const NOW = Date.UTC(2026, 5, 1);

/** The last word on deliveries that came `at` and were off by so many seconds. */
function judge(deliveries: readonly (readonly [at: number, offset: number])[]): string {
  const times = new SignedTimes();
  let last = "";
  for (const [at, offset] of deliveries) {
    const { kind, reason, offsetSeconds } = times.judge({
      at: NOW + at * 1_000,
      signedAt: NOW + (at + offset) * 1_000,
    });
    last = `${reason} ${kind} ${offsetSeconds}`;
  }
  return last;
}

const cases: readonly [what: string, deliveries: readonly (readonly [number, number])[], said: string][] = [
  ["signed in the future is a clock", [[0, 400]], "clock_skew ahead 400"],
  ["off by whole hours is a time zone", [[0, -7_203]], "clock_skew zone -7203"],
  ["off by whole hours ahead is one, too", [[0, 19_800 + 16_200]], "clock_skew zone 36000"],
  ["half an hour is none", [[0, -1_800]], "stale late -1800"],
  ["twenty hours are none", [[0, -72_000]], "stale late -72000"],
  ["one old delivery is late", [[0, -700]], "stale late -700"],
  [
    "two that agree may be chance",
    [
      [0, -700],
      [300, -702],
    ],
    "stale late -702",
  ],
  [
    "three that agree are a clock",
    [
      [0, -700],
      [300, -702],
      [900, -699],
    ],
    "clock_skew steady -699",
  ],
  [
    "three copies of one are a replay",
    [
      [0, -700],
      [4, -704],
      [8, -708],
    ],
    "stale late -708",
  ],
  [
    "a backlog that grows is late",
    [
      [0, -700],
      [300, -800],
      [600, -900],
    ],
    "stale late -900",
  ],
  [
    "a queue that drains is late",
    [
      [0, -1_000],
      [1, -940],
      [2, -880],
    ],
    "stale late -880",
  ],
  [
    "a clock that was set since is told by the last ones",
    [
      [0, -9_000],
      [60, -700],
      [120, -701],
      [180, -702],
    ],
    "clock_skew steady -702",
  ],
];
for (const [what, deliveries, said] of cases) {
  test(what, () => assert.is(judge(deliveries), said));
}

test.run();
