import { suite } from "uvu";
import * as assert from "uvu/assert";
import { parseRate } from "../lib/rate.ts";

const test = suite("rate");

test("a rate is a count, a slash and a unit", () => {
  assert.equal(parseRate("50/s"), { count: 50, perMs: 1_000 });
  assert.equal(parseRate("1/m"), { count: 1, perMs: 60_000 });
  assert.equal(parseRate("1000000/h"), { count: 1_000_000, perMs: 3_600_000 });
});

for (const text of [
  "",
  "50",
  "0/s",
  "-1/s",
  "1.5/s",
  "1000001/s",
  "50/d",
  "50 /s",
  "50/s ",
  "1e3/s",
  50,
  null,
]) {
  test(`${JSON.stringify(text)} is none`, () => assert.is(parseRate(text), null));
}

test.run();
