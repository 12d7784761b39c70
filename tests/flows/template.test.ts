import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { State } from "../../lib/flows/fields.ts";
import { compileTemplates, fillTemplate, parseTemplate } from "../../lib/flows/template.ts";
import { isFatalError } from "../../lib/workflow-errors.ts";
import { valuesOf } from "../support/values.ts";

const test = suite("flows/template");

const state: State = {
  topic: "AI",
  count: 3,
  ok: false,
  nothing: null,
  order: { id: 7, lines: [{ name: "pen" }, { name: "ink" }], "a-b": 1 },
  // What JSON.parse makes of a key of this name: an own property, so data like any other.
  odd: JSON.parse('{"__proto__": {"x": "own"}}'),
};

const filled: [template: string, value: unknown][] = [
  ["", ""],
  ["plain", "plain"],
  ["{state.topic}", "AI"],
  ["{topic}", "AI"],
  ["{state.count}", 3],
  ["{ok}", false],
  ["{nothing}", null],
  ["{order.lines}", [{ name: "pen" }, { name: "ink" }]],
  ["{state.order.lines.1.name}", "ink"],
  ["{order.a-b}", 1],
  ["{odd.__proto__.x}", "own"],
  ["{topic} has {count}", "AI has 3"],
  [" {count}", " 3"],
  ["{count}{ok}{nothing}", "3falsenull"],
  ["lines: {order.lines}", 'lines: [{"name":"pen"},{"name":"ink"}]'],
  ['{{"topic": "{topic}"}}', '{"topic": "AI"}'],
  ["{{{topic}}}", "{AI}"],
  ["{{topic}}", "{topic}"],
];
for (const [template, value] of filled) {
  test(`${JSON.stringify(template)} is ${JSON.stringify(value)}`, () => {
    assert.equal(fillTemplate(parseTemplate(template), valuesOf(state)), value);
  });
}

const nowhere = [
  "{state.missing}",
  "{state.__proto__}",
  "{state.__proto__.constructor}",
  "{state.constructor.name}",
  "{state.toString}",
  "{topic.length}",
  "{order.lines.length}",
  "{order.lines.2}",
  "{order.lines.00}",
  "{order.lines.map}",
  "{order.__proto__}",
  "{order.lines.0.constructor.prototype}",
  "{nothing.x}",
  "{count.toFixed}",
];
for (const template of nowhere) {
  test(`${template} leads nowhere, which ends the run`, () => {
    assert.throws(
      () => fillTemplate(parseTemplate(template), valuesOf(state)),
      (error: Error) => isFatalError(error) && error.message.startsWith(`Cannot fill ${template}: `),
    );
  });
}

test("a text that grows too long is not filled", () => {
  const fill = (times: number): unknown =>
    fillTemplate(parseTemplate("{topic}-".repeat(times)), valuesOf({ topic: "a".repeat(999_999) }));
  assert.is(String(fill(4)).length, 4_000_000);
  assert.throws(() => fill(5), /^Cannot fill a text: it has over 4194304 characters$/);
});

const unreadable = [
  "{",
  "}",
  "a } b",
  "{}",
  "{ topic }",
  "{state.}",
  "{state..topic}",
  "{.topic}",
  "{topic.}",
  "{topic()}",
  "{1 + 1}",
  "{topic|upper}",
  "{state['topic']}",
  "{process.env[X]}",
  "{a{b}}",
  "{topic",
  '{"a": 1}',
  `{${"a".repeat(600)}}`,
];
for (const template of unreadable) {
  test(`${JSON.stringify(template.slice(0, 20))} is no template`, () => {
    assert.throws(
      () => parseTemplate(template),
      (error: Error) =>
        error instanceof TypeError && /Cannot read the template at character \d+/.test(error.message),
    );
  });
}

test("{state} alone names no field", () => {
  assert.throws(() => parseTemplate("{state}"), /\{state\}: it names nothing/);
});

test("what a lookup finds is not read as a template again", () => {
  const sly: State = { a: "{b}", b: "secret" };
  assert.is(fillTemplate(parseTemplate("{a}"), valuesOf(sly)), "{b}");
  assert.is(fillTemplate(parseTemplate("x{a}"), valuesOf(sly)), "x{b}");
});

test("templates are filled in lists and objects, and keys stay as they are", () => {
  const fill = compileTemplates({
    "{topic}": ["{count}", { deep: "a {topic}" }],
    n: 1,
    none: null,
    yes: true,
  });
  assert.equal(fill(valuesOf(state)), { "{topic}": [3, { deep: "a AI" }], n: 1, none: null, yes: true });
});

test("a long text is read in time", () => {
  const startedAt = performance.now();
  assert.is(String(fillTemplate(parseTemplate("{{x}} ".repeat(100_000)), valuesOf(state))).length, 400_000);
  assert.ok(performance.now() - startedAt < 5_000);
});

test.run();
