import { Environment } from "@marcbachmann/cel-js";
import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { compileEventFilter } from "../../../lib/event-filter.ts";
import { compileEventPattern } from "../../../lib/event-pattern.ts";
import { ExpressionFault } from "../../../lib/expression-scope.ts";
import { compileLinearPattern } from "../../../lib/linear-pattern.ts";
import { anyText, bent, holds, outcomeOf } from "./holds.ts";

const test = suite("faults/fuzz/triggers");

/** Few characters, so that much of what is made matches. */
const nearText = fc.string({ unit: fc.constantFrom("a", "b", ".", "*", "/"), maxLength: 12 });

test("a pattern for types matches what a regular expression of it matches", () =>
  holds(
    fc.property(
      nearText.filter((text) => text !== ""),
      fc.oneof(nearText, anyText),
      (pattern, type) => {
        const parts = pattern.split("*").map((part) => part.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&"));
        const expected = new RegExp(`^${parts.join("[^]*")}(\\.[^]*)?$`).test(type);
        assert.is(compileEventPattern(pattern)(type), expected);
      },
    ),
    20_000,
  ));

const regex: fc.Arbitrary<string> = fc.letrec<{ value: string }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom("a", "b", ".", "[ab]", "[^a]", "\\w", "\\b", "^", "$", "é", "😀", ""),
    fc.tuple(tie("value"), tie("value")).map(([a, b]) => `${a}${b}`),
    fc.tuple(tie("value"), tie("value")).map(([a, b]) => `(${a}|${b})`),
    fc
      .tuple(tie("value"), fc.constantFrom("*", "+", "?", "{2}", "{0,3}", "*?"))
      .map(([a, count]) => `(?:${a})${count}`),
  ),
})).value;

test("a pattern of matches() matches what RegExp matches, without going back", () =>
  holds(
    fc.property(
      regex,
      fc.string({ unit: fc.constantFrom("a", "b", "é", "😀", "\n"), maxLength: 8 }),
      (source, text) => {
        const { value: pattern, error } = outcomeOf(() => compileLinearPattern(source));
        if (error !== undefined) return assert.instance(error, TypeError);
        let looked = 0;
        const isMatch = pattern.test(text, (places) => {
          looked += places;
        });
        assert.is(isMatch, new RegExp(source, "u").test(text), `${source} on ${JSON.stringify(text)}`);
        assert.ok(looked <= 3_000 * (text.length + 1), `${looked} places`);
      },
    ),
    10_000,
  ));

test("whatever a pattern of matches() says, it is read or refused in words", () =>
  holds(
    fc.property(
      bent(regex, fc.oneof(anyText, fc.constantFrom("(?", "[", "{9}", "\\"))),
      anyText,
      (source, text) => {
        const { value: pattern, error } = outcomeOf(() => compileLinearPattern(source));
        if (error !== undefined) return assert.instance(error, TypeError);
        pattern.test(text, () => {});
      },
    ),
    10_000,
  ));

const name = fc.constantFrom("a", "b", "constructor", "__proto__", "length");
const path = fc.array(name, { minLength: 1, maxLength: 3 }).map((names) => ["body", ...names].join("."));
const number = fc.constantFrom("0", "1", "2", "1.5", "-1");
const string = fc.constantFrom("'a'", "'b'", "''", "'constructor'");

/** Filters that are well formed, and mostly well typed. */
const filter: fc.Arbitrary<string> = fc.letrec<{ bool: string; value: string; list: string }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    path,
    number,
    string,
    fc.constantFrom("null", "true", "body"),
    tie("list"),
  ),
  list: fc.oneof(
    { maxDepth: 2 },
    path,
    fc.array(path, { maxLength: 3 }).map((parts) => `[${parts.join(", ")}]`),
    fc.tuple(path, tie("bool")).map(([list, test]) => `${list}.filter(a, ${test})`),
    path.map((list) => `${list}.map(x, x.a)`),
  ),
  bool: fc.oneof(
    { maxDepth: 4 },
    fc
      .tuple(tie("value"), fc.constantFrom("==", "!=", "<", "<=", ">", ">=", "in"), tie("value"))
      .map((parts) => parts.join(" ")),
    fc
      .tuple(tie("bool"), fc.constantFrom("&&", "||"), tie("bool"))
      .map(([a, by, b]) => `(${a}) ${by} (${b})`),
    fc
      .tuple(tie("list"), fc.constantFrom("exists", "all", "exists_one"), path)
      .map(([list, by, of]) => `${list}.${by}(x, x == ${of})`),
    fc.tuple(tie("bool"), tie("bool"), tie("bool")).map(([a, b, c]) => `(${a}) ? (${b}) : (${c})`),
    path.map((of) => `has(${of})`),
    path.map((of) => `size(${of}) > 1`),
    fc
      .tuple(path, fc.constantFrom("startsWith", "endsWith", "contains"), string)
      .map(([of, by, text]) => `${of}.${by}(${text})`),
    tie("bool").map((of) => `!(${of})`),
  ),
})).bool;

const key = fc.constantFrom("a", "b", "constructor", "__proto__", "length");
/** As JSON.parse makes it: `__proto__` is an own property like any other. */
const json: fc.Arbitrary<unknown> = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom("a", "b", "", "ab", 0, 1, 2, 1.5, -1, true, false, null),
    fc.array(tie("value"), { maxLength: 3 }),
    fc.array(fc.tuple(key, tie("value")), { maxLength: 4 }).map((entries) => Object.fromEntries(entries)),
  ),
})).value;

const viewOf = (body: unknown) => ({ provider: "acme", type: null, webhookId: null, headers: {}, body });

test("a filter gives a value or a fault, and leaves the body as it was", () =>
  holds(
    fc.property(filter, json, (source, body) => {
      const { value: run, error } = outcomeOf(() => compileEventFilter(source));
      if (error !== undefined) return assert.instance(error, TypeError, source);
      const before = JSON.stringify(body);
      const result = run(viewOf(body));
      assert.ok(typeof result === "boolean" || result instanceof ExpressionFault, source);
      assert.is(JSON.stringify(body), before);
    }),
    10_000,
  ));

test("where the library's own evaluation has a value, a filter has the same or none", () => {
  const environment = new Environment().registerVariable("body", "dyn");
  let compared = 0;
  return holds(
    fc.property(filter, json, (source, body) => {
      // The library takes an own `constructor` for a type, and lets a prototype be asked for.
      if (/constructor|__proto__/.test(source + JSON.stringify(body))) return;
      const { value: run } = outcomeOf(() => compileEventFilter(source));
      const { value: expected } = outcomeOf(() => environment.evaluate(source, { body }) as unknown);
      if (run === undefined || typeof expected !== "boolean") return;
      const result = run(viewOf(body));
      if (result instanceof ExpressionFault && result.kind === "type") return;
      // For us what is no text is looked for in no object; of two faults the first is told, which may be another one.
      if (result instanceof ExpressionFault && /(?:null|true|false|[\d.)\]]) in /.test(source)) return;
      compared++;
      assert.is(result, expected, `${source} on ${JSON.stringify(body)}: ${JSON.stringify(result)}`);
    }),
    20_000,
  ).then(() => assert.ok(compared > 500, `${compared} compared`));
});

test("whatever a filter says, it is read or refused in one line, and ends", () =>
  holds(
    fc.property(
      bent(filter, fc.oneof(anyText, fc.constantFrom("(", "[", "'", "body", "!", "?"))),
      json,
      (source, body) => {
        const { value: run, error } = outcomeOf(() => compileEventFilter(source));
        if (error === undefined) return void run(viewOf(body));
        assert.instance(error, TypeError);
        assert.not.match(error.message, /\n/);
      },
    ),
    10_000,
  ));

test.run();
