import { suite } from "uvu";
import * as assert from "uvu/assert";
import { parseWaitSeconds } from "../../lib/http/prefer.ts";

const test = suite("http/prefer");

const CASES: [prefer: string | null, seconds: number | null][] = [
  [null, null],
  ["", null],
  ["wait=10", 10],
  ["WAIT=10", 10],
  ["wait = 10", 10],
  ['wait="10"', 10],
  ["wait=007", 7],
  ["wait=60", 60],
  ["wait=61", 60],
  [`wait=${"9".repeat(400)}`, 60],
  ["wait=0", null],
  ["wait=00", null],
  ["wait", null],
  ["wait=", null],
  ['wait=""', null],
  ["wait=-1", null],
  ["wait=+1", null],
  ["wait=1.5", null],
  ["wait=1e1", null],
  ["wait=0x10", null],
  ["wait=10s", null],
  ["wait=1 0", null],
  ['wait="10', null],
  ["wait=١٠", null],
  ["waiting=10", null],
  ["x-wait=10", null],
  ["respond-async, wait=10", 10],
  ["respond-async,wait=10", 10],
  ["wait=10, respond-async", 10],
  [", ,wait=10,", 10],
  ["wait=10; foo=bar", 10],
  ["wait=10;", 10],
  ["return=minimal; foo=bar, wait=10", 10],
  // the first counts, good or bad (RFC 7240, section 2)
  ["wait=5, wait=10", 5],
  ["wait=x, wait=10", null],
  ["wait, wait=10", null],
  ["wait=0, wait=10", null],
  // parameters and quoted texts are not preferences
  ["foo; wait=10", null],
  ['foo="a, wait=10"', null],
  ['foo="a; b", wait=10', 10],
  ['foo="a\\", wait=10"', null],
  ['foo="a\\"", wait=10', 10],
];

for (const [prefer, seconds] of CASES) {
  const shown = prefer === null ? "no header" : prefer.slice(0, 40);
  test(`${shown} waits ${seconds ?? "not"}`, () => {
    assert.is(parseWaitSeconds(prefer), seconds);
  });
}

test.run();
