import { suite } from "uvu";
import * as assert from "uvu/assert";
import { nearest } from "../lib/nearest.ts";

const test = suite("nearest");

const known = ["github", "gitlab", "stripe", "id"];
const cases: readonly [name: string, expected: string | null][] = [
  ["github", "github"],
  ["gihtub", "github"], // a swap counts as one change
  ["gitub", "github"],
  ["giithubb", "github"],
  ["strip", "stripe"],
  ["gitlob", "gitlab"], // one change away; github is two
  ["shopify", null],
  ["", null],
  ["ib", null], // a known name of two letters would fit everything
  ["x".repeat(100_000), null],
];
for (const [name, expected] of cases) {
  test(`${JSON.stringify(name.slice(0, 20))} is nearest to ${expected}`, () => {
    assert.is(nearest(name, known), expected);
  });
}

test("the bound can be set, and the first of two that are as close is taken", () => {
  assert.is(nearest("gihtub", known, 1), "github");
  assert.is(nearest("gthiub", known, 1), null);
  assert.is(nearest("cat", ["bat", "hat"], 1), "bat");
});

test.run();
