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
  order: {
    type: "object",
    schema: { id: "int", deep: { type: "object", schema: { list: "list[int]" } } },
  },
  issues: { type: "list" },
  whole: { type: "int", default: null },
  texts: { type: "dict[str,str]" },
  other: { type: "object", schema: { x: "int" } },
  maybe: { type: "str", default: null },
});
const state = {
  score: 0.9,
  n: 3,
  ok: true,
  name: "and or not",
  tags: ["a"],
  any: { b: false },
  order: { id: 7, deep: { list: [1, 2] } },
  issues: [{ id: 2, state: { name: "open" } }],
  whole: 2,
  texts: { a: "b" },
  other: { x: 1 },
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
  ["(state.ok ? state.n : state.score) > 1 and [state.n, state.score].exists(x, x > 2)", true],
  ["[state.n, state.whole].exists(x, x == 2) or state.tags[state.n - 3] == 'a'", true],
  ["state.n in [] or state.tags == []", false],
  ['state["n"] == 3 and has(state.order.id) and state["any"]["b"] == false', true],
  ["size(state.tags) * 0.5 < 2 and 1.5 + size(state.name) > 2 and double(size(state.tags)) / 2 < 1", true],
  ["state.tags == state.order.deep.list or state.issues == []", false],
  ["has(state.any.x) ? state.any.x > 3 : true", true],
  ['state.issues[0].state.name == "open"', true], // what is called state here is none of ours
  ['state.issues.exists(state, state.state.name == "open") and [1].all(n, n == 1)', true],
  ['state.name == "and or not" // and state.foo is no field', true],
  ['state.issues.filter(x, has(x.id)).map(x, x.id).exists(id, id > 1) and "b" in state.any', true],
  ["state.order.deep.list.map(x, x + 1).exists(y, y == 3) and state.order.deep.list[1] == 2", true],
  ["[state.order, state.other].exists(o, has(o.x))", true],
  ["string(state.n) == '3' and int(state.score) == 0 and double(state.n) == 3.0", true],
  ["state.name.lowerAscii() + '!' != state.tags[0].upperAscii() and -state.n < 0", true],
  ["state.order[state.name.contains('x') ? 'deep' : 'id'] == 7", true],
];
for (const [condition, holds] of mixed) {
  test(`what may go together does: ${condition}`, () => {
    assert.is(compileCondition(condition, fields)(state), holds);
  });
}

const refused: readonly [condition: string, why: RegExp][] = [
  ["state.scroe > 1", /state\.fields has no "scroe"; did you mean "score"\? \(character 1\)/],
  ["state.ok and has(state.scroe)", /state\.fields has no "scroe"; did you mean "score"\? \(character 18\)/],
  ['state["scroe"] > 1', /state\.fields has no "scroe"; did you mean "score"\?/],
  ["state.order.idd == 1", /state\.order has no "idd"; did you mean "id"\?/],
  ["has(state.order.deep.lits)", /state\.order\.deep has no "lits"; did you mean "list"\?/],
  ['state.order["idd"] == 1', /state\.order has no "idd"/],
  ["state.name.x == 1", /state\.name is str and has no parts/],
  ["state.tags.x == 1", /state\.tags is a list and has its items by place/],
  ["state.tags['x'] == 'a'", /state\.tags is a list and has its items by place/],
  ["state.tags[-1] == 'a'", /state\.tags is a list and has its items by place/],
  ["state.order[0] == 1", /state\.order is object and has its parts by name/],
  ["state.name > 3", /> does not go with str and int \(character 1\)/],
  ["state.tags[0] == 1", /== does not go with str and int/],
  ["state.order.id == 'x'", /== does not go with int and str/],
  ["state.name[0] == 'a'", /state\.name is str and has no parts/],
  ["state.n['a'] == 1", /state\.n is int and has no parts/],
  ["state.texts[state.name] == 1", /== does not go with str and int/],
  ["state.tags.map(t, t).exists(t, t == 1)", /== does not go with str and int/],
  ["[state.n, state.score].exists(x, x == state.name)", /== does not go with float and str/],
  ["1 in state.tags", /in does not go with int and list\[str\]/],
  ["1 in state.order", /in does not go with int and object/],
  ["state.tags.exists(t, t == 1)", /== does not go with str and int/],
  ["state.order.deep.list.map(x, x + 1).exists(y, y == 'a')", /== does not go with int and str/],
  ["state.tags.filter(t, t > 'a').exists(t, t == 1)", /== does not go with str and int/],
  ["state.any.all(x, x)", /all goes through lists, and no dict/],
  ["size(state.any) == 0", /size takes text and lists, and no dict/],
  ["state.n.startsWith('3')", /startsWith takes text, and no int/],
  ["state.name.contains(state.n)", /contains takes text, and no int/],
  ["int(state.ok) == 1", /int does not take bool/],
  ["string(state.tags) == 'a'", /string does not take list\[str\]/],
  ["state.n + state.name == 'x'", /\+ does not go with int and str/],
  ["-state.name == 1", /- does not go with str/],
  ["state.order == state.order", /== does not go with object and object/],
  ["1 < state.n < 5", /< does not go with bool and int/],
  ["state == 1", /== does not go with object and int/],
  ["state.tags", /it gives list\[str\], and a condition gives true or false/],
  ["state.name", /it gives str/],
  ["null", /it gives null/],
  ['state.n == "3"', /== does not go with int and str/],
  ['state.score < "0.5"', /< does not go with float and str/],
  ["not state.n", /not takes true and false, and state\.n is int/],
  ["state.n ? true : false", /\? takes true and false, and state\.n is int/],
  ["state.tags.all(t, t)", /all takes true and false, and t is str/],
  ["state.n", /it gives int, and a condition gives true or false/],
  ["state.n && state.ok", /&& takes true and false, and state\.n is int/],
  ["state.name == null", /== does not go with str and null; ask has\(\.\.\.\) for what may be absent/],
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
