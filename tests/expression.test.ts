import { suite } from "uvu";
import * as assert from "uvu/assert";
import { compileExpression } from "../lib/expression.ts";
import { ExpressionFault, type FaultKind } from "../lib/expression-scope.ts";

const test = suite("expression");

const variables = {
  event: { provider: "string", type: "dyn" },
  headers: "map<string, string>",
  body: "dyn",
};

const BODY: unknown = JSON.parse(`{
  "action": "opened", "count": 6, "half": 1.5, "big": 9007199254740991, "zero": 0, "draft": false, "none": null, "empty": "",
  "emoji": "😀é", "lone": "\\ud800", "list": [1, 2, 3], "texts": ["a", "b"], "mixed": [1, "a", null, {"k": 1}],
  "users": [{"name": "ann", "age": 7}, {"name": "bob"}, {}], "nested": {"a": {"b": [[1], [2]]}},
  "__proto__": {"polluted": true}, "constructor": "mine", "toString": {"constructor": 1}, "a.b": 1
}`);

function evaluate(source: string, body: unknown = BODY): unknown {
  const values = { event: { provider: "acme", type: "paid" }, headers: { "x-kind": "push" }, body };
  return compileExpression(source, { variables }).evaluate(values);
}

const results: readonly [source: string, result: unknown][] = [
  // Numbers of JSON have no kinds: a whole one is one, however it is compared.
  ["body.count > 5", true],
  ["body.count == 6", true],
  ["body.count == 6.0", true],
  ["body.count >= 6.5", false],
  ["6 == body.count", true],
  ["body.half > 1", true],
  ["body.half == 1.5", true],
  ["body.count != 6", false],
  ["body.count + 1 == 7", true],
  ["body.count * 2 - 1 == 11", true],
  ["body.count / 4 == 1.5", true],
  ["body.count % 4 == 2", true],
  ["-body.count == -6", true],
  ["7 / 2 == 3", true],
  ["size(body.list) / 2 == 1", true],
  ["body.big == 9007199254740991", true],
  ["body.big < 9007199254740991", false],
  ["body.zero == 0", true],
  ["body.count in [5, 6]", true],
  ["body.half in [1, 2]", false],
  ["body.list == [1, 2, 3]", true],
  ["int(body.half) == 1", true],
  ["double(body.count) == 6.0", true],
  ["string(body.count) == '6'", true],
  ["int('42') == 42", true],
  ["double('1.5e1') == 15.0", true],
  ["string(true) == 'true'", true],
  // Text.
  ["body.action == 'opened'", true],
  ["body.action == body.empty", false],
  ["body.action < 'p'", true],
  ["body.action.startsWith('op')", true],
  ["body.action.endsWith('ed')", true],
  ["body.action.contains('pene')", true],
  ["body.action.contains('a part that is longer than all of it')", false],
  ["body.action + '!' == 'opened!'", true],
  ["body.action.upperAscii() == 'OPENED'", true],
  ["'É'.lowerAscii() == 'É' && 'A'.lowerAscii() == 'a'", true],
  ["size(body.emoji) == 2", true],
  ["body.lone.size() == 1", true],
  ["body.lone == body.lone", true],
  ["body.action.matches('^open')", true],
  ["body.action.matches('^pen')", false],
  ["body.action in ['closed', 'opened']", true],
  // Null, absence and has().
  ["body.none == null", true],
  ["body.action != null", true],
  ["has(body.none)", true],
  ["has(body.missing)", false],
  ["has(body.missing.too.deep)", false],
  ["has(body.action.length)", false],
  ["!has(body.missing) || body.missing == 1", true],
  ["has(body.nested.a.b) && body.nested.a.b[1][0] == 2", true],
  ["'x-kind' in headers && !('X-Kind' in headers)", true],
  // Different types are not equal, and that is no mistake.
  ["body.action == 5", false],
  ["body.count == '6'", false],
  ["body.draft == null", false],
  ["body.list == body.action", false],
  // Logic: a side that decides is enough.
  ["body.missing == 1 || body.count == 6", true],
  ["body.count == 6 || body.missing == 1", true],
  ["body.missing == 1 && body.count == 5", false],
  ["body.draft ? false : body.count == 6", true],
  // Lists.
  ["body.users.exists(u, u.name == 'bob')", true],
  ["body.users.exists(u, u.age == 7)", true],
  ["body.users.all(u, u.name == 'ann')", false],
  ["body.users.exists_one(u, has(u.age))", true],
  ["body.users.filter(u, has(u.name)).map(u, u.name) == ['ann', 'bob']", true],
  ["body.list.map(n, n > 1, n * 2) == [4, 6]", true],
  ["body.list + body.texts == body.mixed", false],
  ["body.nested.a.b.exists(x, x.exists(y, y == 2))", true],
  ["2 in body.list && !('c' in body.texts)", true],
  ["body.list[0] == 1 && body.list[body.zero] == 1", true],
  ["'a' in body.mixed", true],
  ["'a.b' in body", true],
  ["size(body.texts) == 2 && body.texts.size() == 2", true],
  ["[].size() == 0", true],
  // Own fields alone.
  ["body.__proto__.polluted", true],
  ["body.constructor == 'mine'", true],
  ["body['a.b'] == 1", true],
  ["body.toString.constructor == 1", true],
  ["has(body.nested.constructor)", false],
  ["'constructor' in body.nested", false],
  ["has(body.nested.__proto__)", false],
  ["has(body.list.length)", false],
  // The others.
  ["event.provider == 'acme' && event.type == 'paid'", true],
  ["headers['x-kind'] == 'push'", true],
  ["body.action == 'opened' // with a comment", true],
];
for (const [source, result] of results) {
  test(`${source} is ${result}`, () => assert.is(evaluate(source), result));
}

const faults: readonly [source: string, kind: FaultKind, detail: RegExp][] = [
  ["body.missing == 1", "absent", /^body\.missing is absent$/],
  ["body.action.length == 6", "absent", /absent/],
  ["body.none.field == 1", "absent", /absent/],
  ["body.list[3] == 1", "absent", /absent/],
  ["body.list[-1] == 1", "absent", /absent/],
  ["body.list[body.half] == 1", "absent", /absent/],
  ["body.nested.constructor == 1", "absent", /absent/],
  ["body.list.constructor == 1", "absent", /absent/],
  ["body.nested.__proto__ == 1", "absent", /absent/],
  ["headers['x-other'] == 'a'", "absent", /absent/],
  ["body[body.action] == 1", "absent", /^body\[body\.action\] is absent$/],
  ["!(body.missing == 1)", "absent", /absent/],
  ["body.users.all(u, has(u.name) && u.age > 1 || u.age == 0)", "absent", /u\.age is absent/],
  ["body.missing == 1 || body.count == 5", "absent", /absent/],
  ["body.action > 5", "type", /text and a number/],
  ["body.none > 5", "type", /null/],
  ["body.list > 5", "type", /a list/],
  ["body.nested == body.nested", "type", /an object and an object/],
  ["[body.nested] == [body.nested]", "type", /a list/],
  ["body.count + body.action == 1", "type", /a number and text/],
  ["body.count && true", "type", /a number on a side/],
  ["!body.count", "type", /a number/],
  ["-body.action == 1", "type", /text/],
  ["body.count ? true : false", "type", /chooses by a number/],
  ["size(body.nested) == 1", "type", /size does not take an object/],
  ["body.nested.exists(k, k == 'a')", "type", /lists/],
  ["body.list.exists(x, body.count)", "type", /true or false/],
  ["body.list.filter(x, body.count).size() == 1", "type", /true or false/],
  ["body.list['a'] == 1", "type", /looks up text/],
  ["body.nested[1] == 1", "type", /looks up a number/],
  ["1 in body.action", "type", /does not go/],
  ["1 / 0 == 1", "type", /does not go/],
  ["body.half % 2 == 1", "type", /does not go/],
  ["9007199254740991 * 9007199254740991 == 1", "type", /does not go/],
  ["int(body.action) == 1", "type", /int does not take text/],
  ["double(body.action) == 1.0", "type", /double does not take text/],
  ["string(body.list) == ''", "type", /string does not take a list/],
  ["body.count.matches('a')", "type", /matches does not take a number/],
];
for (const [source, kind, detail] of faults) {
  test(`${source} has no value, and says why`, () => {
    const fault = evaluate(source);
    assert.instance(fault, ExpressionFault);
    assert.is((fault as ExpressionFault).kind, kind);
    assert.match((fault as ExpressionFault).detail, detail);
    assert.not.match((fault as ExpressionFault).detail, /opened|ann|acme|push/);
  });
}

const refused: readonly [source: string, message: RegExp][] = [
  ["", /EOF.*\(character 1\)/],
  ["body.action ==", /EOF.*\(character 15\)/],
  ["body.action = 'a'", /Unexpected character: =; write == to compare \(character 13\)/],
  ["body.a and body.b", /^Unexpected word: and; write && for and \(character 8\)$/],
  ["body.a OR body.b", /^Unexpected word: OR; write \|\| for OR \(character 8\)$/],
  ["body.a && not body.b", /^Unexpected word: body; write ! for not \(character 15\)$/],
  ["{body.a} == 'x'", /^braces make an object here; write names without them \(character 8\)$/],
  ["body.a is true", /^Unexpected word: is \(character 8\)$/],
  ["headers['a'] == null", /== does not go with string and null; ask has\(\.\.\.\) for what may be absent/],
  ["bdoy.action == 'a'", /Unknown variable: bdoy; did you mean body\? \(character 1\)/],
  ["body.a ==\n  nothing", /the variables are event, headers, body \(line 2, character 3\)/],
  ["headers.x-kind == 'push'", /Unknown variable: kind/],
  ["event.typ == 'a'", /No such key: typ \(character 7\)/],
  ["'a' + 1 == 2", /^\+ does not go with string and int \(character 1\)$/],
  ["headers['a'] > 1", /^> does not go with string and int /],
  ["body.a && 1", /bool/],
  ["body.a in [1, 'a']", /same type/],
  ["sise(body.list) == 1", /there is no sise\(dyn\); did you mean size\? \(character 1\)/],
  [
    "len(body.list) == 1",
    /there is no len\(dyn\); the functions are has, size, string, int, double, startsWith, .*matches/,
  ],
  ["headers['a'].startswith('b')", /there is no string\.startswith\(string\); did you mean startsWith\?/],
  ["headers['a'].startsWith(1)", /there is no string\.startsWith\(int\) \(character 1\)/],
  ["body.list.exists(1, true)", /predicate iteration variable/],
  ["has(headers['x-kind'])", /has\(\) invalid argument/],
  ["has(body)", /has\(\) invalid argument/],
  ["duration(body.a) > duration('1s')", /duration\(\) cannot be used here/],
  ["timestamp(body.a) > timestamp('2026-01-01T00:00:00Z')", /timestamp\(\) cannot be used here/],
  ["body.a.split(',').size() == 1", /\.split\(\) cannot be used here/],
  ["bytes(body.a).json() == {}", /cannot be used here/],
  ["cel.bind(x, 1, x == 1)", /cannot be used here/],
  ["type(body.a) == string", /cannot be used here/],
  ["{'a': 1} == body.a", /an object of its own/],
  ["b'a' == b'a'", /bytes/],
  ["5u == 5u", /unsigned/],
  ["body.id == 9007199254740993", /2\^53/],
  ["body.a.matches(body.b)", /literal text/],
  ["body.a.matches('a' + 'b')", /literal text/],
  ["body.a.matches('(a)\\\\1')", /pattern .* cannot be used.*\(character 16\)/],
  ["body.a.exists(a, a.exists(b, b.exists(c, c.exists(d, d == 1))))", /in more than 2 others/],
  ["a".repeat(4_097), /4097 characters/],
  [`true${" || true".repeat(300)}`, /^it has more than 500 parts \(character \d+\)$/],
  [`${"(".repeat(40)}true${")".repeat(40)}`, /^it has more than 32 levels in each other /],
  ["!".repeat(4_000), /Unexpected|more than/],
  [`${"!".repeat(4_000)}true`, /more than 500 parts/],
  [`body.a in [${"1, ".repeat(250)}1]`, /^it has more than 200 elements in a list /],
  [`body${".a".repeat(100)} == 1`, /more than 32 levels/],
];
for (const [source, message] of refused) {
  test(`${JSON.stringify(source.slice(0, 60))} is refused with its place`, () => {
    assert.throws(
      () => compileExpression(source, { variables }),
      (error: Error) =>
        error instanceof TypeError && message.test(error.message) && !error.message.includes("\n"),
    );
  });
}

test("the type is told as far as it is known", () => {
  const types: [string, string][] = [
    ["body.a == 1", "bool"],
    ["body.a", "dyn"],
    ["1", "int"],
    ["headers['a']", "string"],
  ];
  for (const [source, type] of types) assert.is(compileExpression(source, { variables }).type, type, source);
});

const MIB = 1_048_576;
const listOf = (unit: string): unknown[] =>
  JSON.parse(`[${Array.from({ length: Math.floor(MIB / (unit.length + 1)) }, () => unit).join(",")}]`);
const A = "a".repeat(MIB / 2);

/** What strangers may send in a body of 1 MiB. */
const attacks: readonly [what: string, source: string, body: unknown][] = [
  ["a list to the end", "body.exists(x, x == 2)", listOf("1")],
  ["a list in a list", "body.exists(x, body.exists(y, x == y && false))", listOf("1")],
  ["a fault an element", "body.exists(x, x > 'b')", listOf("1")],
  ["an absence an element", "body.exists(x, x.a.b.c)", listOf("{}")],
  ["lists that grow", "(body + body + body + body).size() == 1", listOf("1")],
  ["a list made of a list", "body.map(x, [x, x, x]).size() == 1", listOf("1")],
  ["a member that is not there", "body.exists(x, [x] in body)", listOf("[]")],
  ["two equal lists", "body.a == body.b", { a: listOf("1"), b: listOf("1") }],
  ["texts that grow", "body.l.map(x, x + body.s).size() == 1", { l: listOf('"b"').slice(0, 100_000), s: A }],
  [
    "a part that makes a search go back",
    Array(30).fill("body.s.contains(body.t)").join(" || "),
    { s: A, t: `${"a".repeat(1_000)}b${"a".repeat(1_000)}` },
  ],
  [
    "a part as long as the text",
    Array(30).fill("body.s.contains(body.t)").join(" || "),
    { s: A, t: `${"a".repeat(MIB / 4)}b${"a".repeat(MIB / 5)}` },
  ],
  [
    "a part that is half of a text that steps are left for",
    Array(2).fill("body.s.contains(body.t)").join(" || "),
    { s: "a".repeat(120_000), t: `${"a".repeat(30_000)}b${"a".repeat(30_000)}` },
  ],
  ["a short part", Array(30).fill("body.s.contains('aaab')").join(" || "), { s: A }],
  ["a long text to count", Array(30).fill("size(body.s) == 1").join(" || "), { s: A }],
  [
    "patterns again and again",
    Array(30).fill("body.s.matches('(a+)+b$')").join(" || "),
    { s: "a".repeat(4_096) },
  ],
  ["conversions", "body.exists(x, double(string(x)) * 1.1 > 5.0)", listOf("1")],
];
for (const [what, source, body] of attacks) {
  test(`${what} runs out of steps within some milliseconds`, () => {
    evaluate(source, body); // once, so that it is compiled
    const startedAt = process.cpuUsage();
    const fault = evaluate(source, body);
    const { user } = process.cpuUsage(startedAt);
    assert.is((fault as ExpressionFault).kind, "exhausted");
    assert.match((fault as ExpressionFault).detail, /more than 50000 steps/);
    assert.ok(user < 50_000, `${user / 1_000} ms of processor time`);
  });
}

test("an object with many fields is not listed: it is neither counted, compared nor gone through", () => {
  const body = { a: Object.fromEntries(Array.from({ length: 100_000 }, (_, key) => [`k${key}`, 1])), b: {} };
  for (const source of ["size(body.a) == 1", "body.a == body.b", "body.a.exists(k, true)"]) {
    assert.is((evaluate(source, body) as ExpressionFault).kind, "type", source);
  }
  assert.is(evaluate("body.a.k99999 == 1 && 'k5' in body.a", body), true);
});

test("the deepest body is compared without its stack", () => {
  const deep = (end: string): unknown => JSON.parse(`${"[".repeat(199)}${end}${"]".repeat(199)}`);
  assert.is(evaluate("body.a == body.b", { a: deep("1"), b: deep("1") }), true);
  assert.is(evaluate("body.a == body.b", { a: deep("1"), b: deep("2") }), false);
});

test("matches takes texts of 4,096 characters, and no longer ones", () => {
  assert.is(evaluate("body.matches('^a')", "a".repeat(4_096)), true);
  const fault = evaluate("body.matches('^a')", "a".repeat(4_097)) as ExpressionFault;
  assert.is(fault.kind, "type");
  assert.match(fault.detail, /text of over 4096 characters/);
});

test("an expression that ran out begins anew, and forgets the event before", () => {
  const { evaluate: run } = compileExpression("body.exists(x, x == 2)", { variables });
  assert.instance(run({ body: listOf("1") }), ExpressionFault);
  assert.is(run({ body: [1, 2] }), true);
  assert.is(run({ body: [] }), false);
});

test("a long message has no more of the expression than its beginning", () => {
  const name = "a".repeat(500);
  const { detail } = evaluate(`body.${name} == 1`) as ExpressionFault;
  assert.ok(detail.length < 100, detail);
});

test.run();
