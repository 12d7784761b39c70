import { suite } from "uvu";
import * as assert from "uvu/assert";
import { RunSlots } from "../../lib/runner/slots.ts";

type T = { slots: RunSlots; active: number };
const test = suite<T>("runner/slots");
test.before.each((t) => {
  t.active = 0;
  t.slots = new RunSlots(4, () => t.active);
  assert.is(t.slots.ask(), 4); // nobody knows yet who waits, so the first claim may take all
  t.slots.answer(0);
});

test("no more runs are stored with a slot than are free, and what is released is free again", (t) => {
  t.active = 1;
  assert.equal(
    [1, 2, 3, 4].map(() => t.slots.reserve()),
    [true, true, true, false],
  );
  t.slots.release(2);
  assert.is(t.slots.reserved, 1);
  assert.is(t.slots.reserve(), true);
});

test("before the first claim has answered none is given", () => {
  assert.is(new RunSlots(4, () => 0).reserve(), false);
});

test("a claim leaves half of the slots that nobody waits for, and has its own until it is answered", ({
  slots,
}) => {
  assert.is(slots.ask(), 2);
  assert.equal(
    [1, 2, 3].map(() => slots.reserve()),
    [true, true, false],
  );
  slots.answer(1);
  assert.is(slots.reserve(), true);
});

test("a claim that took all that it could shows that others wait: the next may take every free slot", (t) => {
  t.slots.ask();
  t.active = 2;
  t.slots.answer(2);
  assert.is(t.slots.isBacklogged, true);
  assert.is(t.slots.reserve(), false);
  assert.is(t.slots.ask(), 2);
  t.slots.answer(1);
  assert.is(t.slots.isBacklogged, false);
});

test("where none is free nothing is asked for, and others wait", (t) => {
  t.active = 4;
  assert.is(t.slots.ask(), 0);
  assert.is(t.slots.isBacklogged, true);
});

test("a claim that failed tells nothing of who waits, and its slots are free again", (t) => {
  t.slots.ask();
  t.slots.answer(null);
  assert.is(t.slots.isBacklogged, false);
  assert.equal(
    [1, 2, 3, 4].map(() => t.slots.reserve()),
    [true, true, true, true],
  );
  t.slots.release(4);
  t.slots.ask();
  t.slots.answer(2);
  t.slots.ask();
  t.slots.answer(null);
  assert.is(t.slots.isBacklogged, true);
});

test.run();
