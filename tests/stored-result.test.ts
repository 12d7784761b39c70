import { suite } from "uvu";
import * as assert from "uvu/assert";
import { RESULT_BYTES_MAX } from "../lib/run.ts";
import { type ResultError, readResult, storeResult } from "../lib/stored-result.ts";
import { isFatalError } from "../lib/workflow-errors.ts";

const test = suite("stored-result");

const trips: [what: string, value: unknown, back: unknown][] = [
  ["a Date becomes a string", { at: new Date(0) }, { at: "1970-01-01T00:00:00.000Z" }],
  ["undefined stays undefined", undefined, undefined],
  ["a function is nothing", () => 1, undefined],
  ["null stays null", null, null],
  [
    "an undefined field goes, an undefined item becomes null",
    { a: undefined, b: [undefined] },
    { b: [null] },
  ],
  ["text, numbers and nesting stay", { a: ["ä", 1.5, { b: false }] }, { a: ["ä", 1.5, { b: false }] }],
];
for (const [what, value, back] of trips) {
  test(what, () => assert.equal(readResult(storeResult(value, "it")), back));
}

const cycle: unknown[] = [];
cycle.push(cycle);
const toJSON = (): never => {
  throw new Error("no JSON today");
};
const refused: [what: string, value: unknown, message: RegExp][] = [
  ["a BigInt", { n: 1n }, /^Cannot store step "a": JSON cannot carry it \(.*BigInt.*\); return plain data$/],
  ["a cycle", cycle, /^Cannot store step "a": JSON cannot carry it/],
  ["a toJSON that throws", { toJSON }, /no JSON today/],
];
for (const [what, value, message] of refused) {
  test(`${what} is refused in one line, for good, with its cause`, () => {
    const error = refusalOf(value);
    assert.is(error.code, "result_invalid");
    assert.match(error.message, message);
    assert.not.match(error.message, /\n/);
    assert.ok(error.cause instanceof Error);
    assert.ok(isFatalError(error));
  });
}

test("the bound is in bytes of JSON, and holds to the byte", () => {
  const fits = "ä".repeat(RESULT_BYTES_MAX / 2 - 1);
  assert.is(storeResult(fits, "it")?.length, fits.length + 2);
  const error = refusalOf(`${fits}a`);
  assert.is(error.code, "result_too_large");
  assert.match(error.message, /step "a".*1048576 bytes/);
});

function refusalOf(value: unknown): ResultError {
  try {
    storeResult(value, 'step "a"');
  } catch (error) {
    return error as ResultError;
  }
  throw new Error("Expected a refusal");
}

test.run();
