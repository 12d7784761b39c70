import { suite } from "uvu";
import * as assert from "uvu/assert";
import { FailureCounter } from "../../lib/http/failures.ts";
import { ManualClock } from "../support/manual-clock.ts";

const test = suite<{ clock: ManualClock }>("http/failures");
test.before.each((t) => {
  t.clock = new ManualClock();
});

function fail(counter: FailureCounter, address: string, times: number): void {
  for (let at = 0; at < times; at++) counter.add(address);
}

test("ten failures are not over, the eleventh is", ({ clock }) => {
  const counter = new FailureCounter(clock);
  fail(counter, "192.0.2.1", 9);
  assert.is(counter.add("192.0.2.1"), false);
  assert.is(counter.isOver("192.0.2.1"), false);
  assert.is(counter.add("192.0.2.1"), true);
  assert.is(counter.isOver("192.0.2.1"), true);
});

test("a second after the first failure the count begins anew", async ({ clock }) => {
  const counter = new FailureCounter(clock);
  fail(counter, "192.0.2.1", 20);
  await clock.advance(999);
  assert.is(counter.isOver("192.0.2.1"), true);
  await clock.advance(1);
  assert.is(counter.isOver("192.0.2.1"), false);
  assert.is(counter.add("192.0.2.1"), false);
});

test("a wall clock that jumps changes nothing", ({ clock }) => {
  const counter = new FailureCounter(clock);
  fail(counter, "192.0.2.1", 20);
  clock.jumpWall(3_600_000);
  assert.is(counter.isOver("192.0.2.1"), true);
});

test("peers are counted apart, but all of one IPv6 network together", ({ clock }) => {
  const counter = new FailureCounter(clock);
  fail(counter, "192.0.2.1", 11);
  assert.is(counter.isOver("192.0.2.2"), false);
  for (let at = 0; at < 11; at++) counter.add(`2001:db8:0:1::${at}`);
  assert.is(counter.isOver("2001:db8:0:1:ffff::9"), true);
  assert.is(counter.isOver("2001:db8:0:2::1"), false);
});

test("no more peers than the bound are remembered, and the oldest goes first", async ({ clock }) => {
  const counter = new FailureCounter(clock, 3);
  for (const address of ["a", "b", "c", "d"]) {
    fail(counter, address, 11);
    await clock.advance(10);
  }
  assert.equal(
    ["a", "b", "c", "d"].map((address) => counter.isOver(address)),
    [false, true, true, true],
  );
});

test("what is over makes room before what is not", async ({ clock }) => {
  const counter = new FailureCounter(clock, 2);
  fail(counter, "old", 11);
  await clock.advance(600);
  fail(counter, "young", 11);
  await clock.advance(600);
  fail(counter, "new", 11);
  assert.equal(
    ["old", "young", "new"].map((address) => counter.isOver(address)),
    [false, true, true],
  );
});

test("a peer that fails again later is as young as its new second", async ({ clock }) => {
  const counter = new FailureCounter(clock, 3);
  fail(counter, "again", 11);
  await clock.advance(500);
  fail(counter, "once", 11);
  await clock.advance(600);
  fail(counter, "again", 11);
  fail(counter, "third", 11);
  fail(counter, "new", 11);
  assert.equal(
    ["again", "third", "new"].map((address) => counter.isOver(address)),
    [true, true, true],
  );
});

test.run();
