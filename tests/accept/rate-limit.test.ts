import { suite } from "uvu";
import * as assert from "uvu/assert";
import { RateLimit } from "../../lib/accept/rate-limit.ts";
import { ManualClock } from "../support/manual-clock.ts";

const test = suite<{ clock: ManualClock }>("accept/rate-limit");
test.before.each((t) => {
  t.clock = new ManualClock();
});

/** How many of so many asks are let through now. */
function through(limit: RateLimit, asks: number): number {
  return Array.from({ length: asks }, () => limit.take()).filter((waitMs) => waitMs === 0).length;
}

test("as many as the rate names come at once, and then one with each share of the time", async ({
  clock,
}) => {
  const limit = new RateLimit(clock, { count: 10, perMs: 1_000 });
  assert.is(through(limit, 50), 10);
  await clock.advance(99);
  assert.is(through(limit, 50), 0);
  await clock.advance(1);
  assert.is(through(limit, 50), 1);
  await clock.advance(500);
  assert.is(through(limit, 50), 5);
  await clock.advance(3_600_000);
  assert.is(through(limit, 50), 10, "what was not used does not pile up");
});

test("who is refused learns when the next may come, and is right", async ({ clock }) => {
  const limit = new RateLimit(clock, { count: 2, perMs: 60_000 });
  assert.equal([limit.take(), limit.take(), limit.take()], [0, 0, 30_000]);
  await clock.advance(29_000);
  assert.is(limit.take(), 1_000);
  await clock.advance(1_000);
  assert.equal([limit.take(), limit.take()], [0, 30_000]);
});

test("over a long time it is the rate, however many ask", async ({ clock }) => {
  const limit = new RateLimit(clock, { count: 3, perMs: 1_000 });
  let count = 0;
  for (let ms = 0; ms < 100_000; ms += 50) {
    count += through(limit, 4);
    clock.block(50);
  }
  assert.ok(count >= 300 && count <= 303, `${count} in 100 s`);
});

test("a wall clock that is set back or forward changes nothing", async ({ clock }) => {
  const limit = new RateLimit(clock, { count: 1, perMs: 1_000 });
  assert.is(limit.take(), 0);
  clock.jumpWall(3_600_000);
  assert.is(limit.take(), 1_000);
  clock.jumpWall(-7_200_000);
  await clock.advance(1_000);
  assert.is(limit.take(), 0);
});

test.run();
