import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { StepKind } from "../lib/run.ts";
import { checkStepName } from "../lib/step-names.ts";
import { isFatalError } from "../lib/workflow-errors.ts";

const test = suite("step-names");

const refused: [what: string, name: unknown, message: RegExp][] = [
  ["no text", 7, /Cannot start a step whose name is number: give text/],
  ["null", null, /is null: give text/],
  ["nothing", undefined, /is undefined: give text/],
  ["an empty name", "", /has 0 characters: give 1 to 255/],
  ["256 characters", "x".repeat(256), /has 256 characters: give 1 to 255/],
  ["half a character", "a\ud83c", /cut within a character/],
];
for (const [what, name, message] of refused) {
  test(`${what} is no name, and ends the run`, () => {
    const used = new Map<string, StepKind>();
    assert.throws(
      () => check(name, used),
      (error: Error) => isFatalError(error) && message.test(error.message),
    );
    assert.is(used.size, 0);
  });
}

test("a name of 1 or 255 characters is taken with its kind, a whole surrogate pair too", () => {
  const used = new Map<string, StepKind>();
  for (const name of ["a", "x".repeat(255), "🎉"]) check(name, used);
  check("nap", used, "sleep");
  assert.equal([...used.values()], ["step", "step", "step", "sleep"]);
});

test("a second use says to add the loop's index, whichever kind has the name", () => {
  const used = new Map<string, StepKind>();
  check("page", used);
  assert.throws(() => check("page", used), /step "page".*a step of this run.*add the loop's index/);
  assert.throws(() => check("page", used, "sleep"), /sleep "page".*a step of this run/);
});

test("a name such as __proto__ or constructor is like any other", () => {
  const used = new Map<string, StepKind>();
  for (const name of ["__proto__", "constructor", "toString"]) check(name, used);
  assert.is(used.size, 3);
});

function check(name: unknown, used: Map<string, StepKind>, kind: StepKind = "step"): void {
  checkStepName(name, used, kind);
}

test.run();
