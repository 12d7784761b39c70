import { suite } from "uvu";
import * as assert from "uvu/assert";
import { LineLimit } from "../lib/line-limit.ts";
import { ManualClock } from "./support/manual-clock.ts";

const test = suite("line-limit");

const takeMany = (limit: LineLimit, name: string, count: number): number =>
  Array.from({ length: count }, () => limit.take(name)).filter((leftOut) => leftOut !== null).length;

test("a hundred lines of a kind are written in a second, and those of another kind besides", () => {
  const limit = new LineLimit(new ManualClock());
  assert.is(takeMany(limit, "a", 5_000), 100);
  assert.is(takeMany(limit, "b", 3), 3);
});

test("the next second's first line says how many were left out, once", async () => {
  const clock = new ManualClock();
  const limit = new LineLimit(clock);
  takeMany(limit, "a", 150);
  await clock.advance(1_000);
  assert.is(limit.take("a"), 50);
  assert.is(limit.take("a"), 0);
});

test.run();
