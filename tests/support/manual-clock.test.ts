import { suite } from "uvu";
import * as assert from "uvu/assert";
import { pause, TIMER_MAX_MS } from "../../lib/clock.ts";
import { ManualClock } from "./manual-clock.ts";
import { rejects } from "./rejects.ts";

const test = suite<{ clock: ManualClock }>("support/manual-clock");
test.before.each((t) => {
  t.clock = new ManualClock();
});

test("both clocks move together, and a jump moves the wall clock alone", async ({ clock }) => {
  assert.is(clock.now(), Date.UTC(2026, 0, 1));
  await clock.advance(1_500);
  clock.jumpWall(-3_600_000);
  assert.is(clock.now(), Date.UTC(2026, 0, 1) + 1_500 - 3_600_000);
  assert.is(clock.monotonic(), 1_500);
});

test("a timer does not fire before its time, nor twice", async ({ clock }) => {
  let count = 0;
  clock.setTimer(() => count++, 100);
  await clock.advance(99);
  assert.is(count, 0);
  assert.is(clock.pending, 1);
  await clock.advance(1);
  await clock.advance(1_000);
  assert.is(count, 1);
  assert.is(clock.pending, 0);
});

test("timers fire in order of their time, equal ones in the order they were set, each at its instant", async ({
  clock,
}) => {
  const fired: string[] = [];
  for (const [name, ms] of Object.entries({ late: 30, first: 10, second: 10, early: 5 })) {
    clock.setTimer(() => fired.push(`${name} ${clock.monotonic()}`), ms);
  }
  await clock.advance(30);
  assert.equal(fired, ["early 5", "first 10", "second 10", "late 30"]);
});

test("a timer set by a fired timer fires in the same advance where it comes due", async ({ clock }) => {
  const beats: number[] = [];
  const beat = () => {
    beats.push(clock.monotonic());
    clock.setTimer(beat, 2_000);
  };
  clock.setTimer(beat, 2_000);
  await clock.advance(7_000);
  assert.equal(beats, [2_000, 4_000, 6_000]);
});

test("what a timer starts settles before the next one fires", async ({ clock }) => {
  const order: string[] = [];
  clock.setTimer(async () => {
    await new Promise((resolve) => setImmediate(resolve));
    await Promise.resolve();
    order.push("work of the first");
  }, 1);
  clock.setTimer(() => order.push("second"), 2);
  await clock.advance(2);
  assert.equal(order, ["work of the first", "second"]);
});

test("a cleared timer never fires, even when it is cleared by one of the same instant", async ({ clock }) => {
  let isFired = false;
  clock.setTimer(() => timer.clear(), 10);
  const timer = clock.setTimer(() => {
    isFired = true;
  }, 10);
  await clock.advance(20);
  assert.is(isFired, false);
  assert.is(clock.pending, 0);
});

test("a timer of 0 ms fires without an advance, after the present turn, unless it is cleared", async ({
  clock,
}) => {
  const fired: string[] = [];
  clock.setTimer(() => fired.push("kept"), 0);
  clock.setTimer(() => fired.push("cleared"), 0).clear();
  assert.equal(fired, []);
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(fired, ["kept"]);
  assert.is(clock.monotonic(), 0);
});

test("a timer above the longest is cut as the system's is, and a long pause still has its full length", async ({
  clock,
}) => {
  let firedAt = -1;
  clock.setTimer(() => {
    firedAt = clock.monotonic();
  }, TIMER_MAX_MS * 10);
  let pausedUntil = -1;
  void pause(clock, 3_600_000).then(() => {
    pausedUntil = clock.monotonic();
  });
  await clock.advance(7_200_000);
  assert.is(firedAt, TIMER_MAX_MS);
  assert.is(pausedUntil, 3_600_000);
});

test("time that passes in a block fires nothing, and what came due in it fires late, without time going back", async ({
  clock,
}) => {
  const fired: number[] = [];
  clock.setTimer(() => fired.push(clock.monotonic()), 2_000);
  clock.block(5_000);
  assert.equal(fired, []);
  await clock.advance(0);
  assert.equal(fired, [5_000]);
});

test("a second advance while the first is under way is refused", async ({ clock }) => {
  const first = clock.advance(10);
  await rejects(clock.advance(10), /await the first/);
  await first;
  assert.is(clock.monotonic(), 10);
});

test.run();
