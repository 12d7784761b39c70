import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { Diagnosis } from "../../lib/doctor/diagnosis.ts";
import { ENTRIES_MAX, RejectionRing } from "../../lib/doctor/rejection-ring.ts";

const test = suite<{ ring: RejectionRing }>("doctor/rejection-ring");
test.before.each((t) => {
  t.ring = new RejectionRing("acme");
});

function diagnosis(subject: string, isProven = true): Diagnosis {
  return { reason: "other_secret", subject, isProven, advice: `of ${subject}`, details: { subject } };
}

test("equal causes are one entry, with the first time, and the last one's time, request and details", ({
  ring,
}) => {
  ring.add({ ...diagnosis("a"), details: { offset: 1 } }, "req_1", 10, 0);
  ring.add(diagnosis("b"), "req_2", 20, 0);
  ring.add({ ...diagnosis("a"), details: { offset: 2 } }, "req_3", 30, 0);
  const [b, a] = ring.list();
  assert.equal(
    [a?.count, a?.firstAt, a?.lastAt, a?.requestId, a?.details],
    [2, 10, 30, "req_3", { offset: 2 }],
  );
  assert.equal([b?.count, b?.firstAt, b?.lastAt], [1, 20, 20]);
});

test("a line is due for a new cause, and then a minute after the last one", ({ ring }) => {
  const due = [0, 1_000, 59_999, 60_000, 61_000, 120_000].map(
    (monotonic) => ring.add(diagnosis("a"), "req_1", 0, monotonic)?.count ?? null,
  );
  assert.equal(due, [1, null, null, 4, null, 6]);
});

test("there are never more entries than are kept: guesses go first, then what was seen the longest ago", ({
  ring,
}) => {
  for (let count = 0; count < ENTRIES_MAX; count++) ring.add(diagnosis(`p${count}`), "req_1", 0, 0);
  ring.add(diagnosis("p0"), "req_1", 0, 0);
  for (let count = 0; count < 500; count++) ring.add(diagnosis(`guess ${count}`, false), "req_1", 0, 0);
  const left = ring.list().map(({ advice }) => advice);
  assert.is(left.length, ENTRIES_MAX);
  assert.is(left.filter((advice) => advice.startsWith("of guess")).length, 1);
  // The first guess took the place of the oldest, and each other one that of the guess before.
  assert.not.ok(left.includes("of p1"));
  assert.ok(left.includes("of p0") && left.includes("of p2") && left.includes("of guess 499"));
});

test.run();
