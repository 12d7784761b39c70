import { suite } from "uvu";
import * as assert from "uvu/assert";
import { ReadyRuns } from "../../lib/accept/ready-runs.ts";
import { ManualClock } from "../support/manual-clock.ts";

interface Count {
  clock: ManualClock;
  /** What the database holds. */
  stored: number;
  /** The limits that were asked for. */
  counts: number[];
  ready: ReadyRuns;
}

const test = suite<Count>("accept/ready-runs");
test.before.each((t) => {
  t.clock = new ManualClock();
  t.stored = 0;
  t.counts = [];
  const count = async (limit: number): Promise<number> => {
    t.counts.push(limit);
    return Math.min(limit, t.stored);
  };
  t.ready = new ReadyRuns({ clock: t.clock, max: 10, count });
});

test("there is room for as many as may wait, and for none more", async (t) => {
  t.stored = 8;
  assert.is(await t.ready.reserve(3), false);
  assert.is(await t.ready.reserve(2), true);
  assert.is(await t.ready.reserve(1), false);
  assert.equal(t.counts, [11], "counted once, and no further than the first too many");
});

test("what is being stored counts, and what is stored counts until the next look", async (t) => {
  for (let run = 0; run < 10; run++) assert.is(await t.ready.reserve(1), true);
  assert.is(await t.ready.reserve(1), false);
  t.ready.settle(4, 4);
  t.ready.settle(6, 0); // these found a slot
  assert.is(await t.ready.reserve(7), false);
  assert.is(await t.ready.reserve(6), true);
});

test("a burst that finds nothing counted counts once, and goes no further than the bound", async (t) => {
  t.stored = 5;
  const asked = await Promise.all(Array.from({ length: 20 }, () => t.ready.reserve(1)));
  assert.is(asked.filter((hasRoom) => hasRoom).length, 5);
  assert.equal(t.counts, [11]);
});

test("while it is full it is counted again soon, but not for each who asks", async (t) => {
  t.stored = 10;
  assert.is(await t.ready.reserve(1), false);
  t.stored = 0;
  assert.is(await t.ready.reserve(1), false, "the last look was just now");
  await t.clock.advance(20);
  assert.is(await t.ready.reserve(1), true);
  assert.is(t.counts.length, 2);
});

test("while there is room it is counted once a second, because other processes accept, too", async (t) => {
  assert.is(await t.ready.reserve(1), true);
  t.stored = 10;
  await t.clock.advance(999);
  assert.is(await t.ready.reserve(1), true);
  await t.clock.advance(1);
  assert.is(await t.ready.reserve(1), false);
});

test("a count that fails is the refusal, and the next one counts", async (t) => {
  let fails = true;
  const ready = new ReadyRuns({
    clock: t.clock,
    max: 10,
    count: async () => {
      if (fails) throw new Error("the disk is gone");
      return 0;
    },
  });
  try {
    await ready.reserve(1);
    assert.unreachable("it counted");
  } catch (error) {
    assert.match(String(error), "the disk is gone");
  }
  fails = false;
  assert.is(await ready.reserve(10), true);
});

test.run();
