import { suite } from "uvu";
import * as assert from "uvu/assert";
import { compileCondition } from "../../lib/flows/condition.ts";
import { parseFields } from "../../lib/flows/fields.ts";
import { isFatalError } from "../../lib/workflow-errors.ts";

const test = suite("flows/condition");

const fields = parseFields({
  score: { type: "float" },
  n: { type: "int" },
  ok: { type: "bool" },
  name: { type: "str" },
  tags: { type: "list[str]" },
  any: { type: "dict" },
  order: { type: "object", schema: { id: "int" } },
  maybe: { type: "str", default: null },
});
const state = {
  score: 0.9,
  n: 3,
  ok: true,
  name: "and or not",
  tags: ["a"],
  any: { b: false },
  order: { id: 7 },
  maybe: null,
};

const decided: readonly [condition: string, holds: boolean][] = [
  ["state.score > 0.8 and state.ok", true],
  ["state.score > 0.8 && state.ok", true],
  ["state.score > 1 or state.n == 3", true],
  ["state.n > 1 and state.n < 3.5", true],
  ["not state.ok", false],
  ["not not state.ok", true],
  ["not(state.ok)", false],
  ["not state.n == 4", true], // `!` would take `state.n` alone, which is no bool
  ["not state.n == 3 or state.ok", true],
  ["not state.ok and state.ok", false],
  ["not (state.ok and state.n == 4) and state.ok", true],
  ["state.ok ? not state.ok : true", false],
  ["[not state.ok, true].exists(x, x) and not false", true],
  ['state.name == "and or not"', true],
  ["state.name == 'and or not'", true],
  ['state.name.contains("or") and not state.name.contains("nor")', true],
  ["'a' in state.tags and size(state.tags) == 1", true],
  ["state.any.b or state.order.id == 7", true],
  ["has(state.any.c)", false],
  ["state.maybe == null", true],
];
for (const [condition, holds] of decided) {
  test(`${condition} is ${holds}`, () => {
    assert.is(compileCondition(condition, fields)(state), holds);
  });
}

const mixed: readonly [condition: string, holds: boolean][] = [
  ["state.n == 3.0 and state.n != 2.5", true],
  ["state.n + 0.5 > 3 and state.score * 2 > 1 and state.n - state.score > 2", true],
  ["state.n in [1.5, 3.0] and state.score in [1, 2] or state.n in [3]", true],
  ["2 - state.score / 2 < state.n % 2 + 1", true],
  ['state["n"] == 3 and has(state.order.id)', true],
];
for (const [condition, holds] of mixed) {
  test(`numbers go with each other and parts are read: ${condition}`, () => {
    assert.is(compileCondition(condition, fields)(state), holds);
  });
}

const refused: readonly [condition: string, why: RegExp][] = [
  ["state.scroe > 1", /state\.fields has no "scroe"; did you mean "score"\?/],
  ["has(state.scroe)", /state\.fields has no "scroe"; did you mean "score"\?/],
  ['state["scroe"] > 1', /state\.fields has no "scroe"; did you mean "score"\?/],
  ["state.order.idd == 1", /order has no "idd"; did you mean "id"\?/],
  ["has(state.order.idd)", /order has no "idd"; did you mean "id"\?/],
  ["state.name > 3", /no such overload: string > int/],
  ['state.n == "3"', /no such overload: int == string/],
  ['state.score < "0.5"', /no such overload: double < string/],
  ["not state.n", /no such overload: !int/],
  ["state.n", /it gives int, and a condition gives true or false/],
  ["state.n && state.ok", /requires bool operands, got 'int'/],
  ["state.name == null", /string == null; ask has\(\.\.\.\) for what may be absent/],
  ["state.tags", /it gives list, and a condition gives true or false/],
  ["state.name", /it gives string/],
  ["stat.ok", /Unknown variable: stat; did you mean state\?/],
  ["state.ok and", /./],
  ["and", /./],
  ["not", /./],
  ["state.ok)", /./],
  ["", /./],
  ["state.ok and state.name.matches('(')", /./],
  [`state.ok ${"and state.ok ".repeat(400)}`, /at most 4096/],
  ["__import__('os').system('x')", /./],
];
for (const [condition, why] of refused) {
  test(`${JSON.stringify(condition.slice(0, 50))} is refused`, () => {
    assert.throws(() => compileCondition(condition, fields), why);
  });
}

test("a condition over what is not there, or is no bool, ends the run", () => {
  for (const condition of ["state.score > 1", "state.any.b", "state.any.x.y"]) {
    assert.throws(
      () => compileCondition(condition, fields)({ any: { b: "text" } }),
      (error: Error) => isFatalError(error) && error.message.startsWith(`Cannot decide "${condition}": `),
    );
  }
});

test("a condition that would run for ever is ended by its steps", () => {
  const nested = "state.tags.all(a, state.tags.all(b, state.tags.all(c, a + b + c != 'x')))";
  const many = { ...state, tags: Array.from({ length: 1_000 }, (_, index) => `t${index}`) };
  const startedAt = performance.now();
  assert.throws(() => compileCondition(nested, fields)(many), /more than 50000 steps/);
  assert.ok(performance.now() - startedAt < 1_000);
});

test.run();
