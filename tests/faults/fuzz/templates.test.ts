import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { State } from "../../../lib/flows/fields.ts";
import { compileTemplates, fillTemplate, parseTemplate } from "../../../lib/flows/template.ts";
import { isFatalError } from "../../../lib/workflow-errors.ts";
import { valuesOf } from "../../support/values.ts";
import { anyText, bent, holds, outcomeOf } from "./holds.ts";

const test = suite("faults/fuzz/templates");

const key = fc.oneof(
  fc.stringMatching(/^[A-Za-z0-9_-]{1,8}$/),
  fc.constantFrom(
    "__proto__",
    "constructor",
    "toString",
    "length",
    "hasOwnProperty",
    "0",
    "1",
    "00",
    "state",
  ),
);
/** JSON with keys that a lookup can name. */
const json: fc.Arbitrary<unknown> = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.oneof(anyText, fc.integer(), fc.boolean(), fc.constant(null), fc.constantFrom("{state}", "{a}", "}}")),
    fc.array(tie("value"), { maxLength: 3 }),
    // As JSON.parse makes it: `__proto__` is an own property like any other.
    fc.array(fc.tuple(key, tie("value")), { maxLength: 3 }).map((entries) => Object.fromEntries(entries)),
  ),
})).value;
const state = fc
  .array(fc.tuple(key, json), { minLength: 1, maxLength: 4 })
  .map((entries) => Object.fromEntries(entries) as State);

function escaped(text: string): string {
  return text.replace(/[{}]/g, "$&$&");
}

/** Every place in a value that a lookup can name, with what is there. */
function placesOf(value: unknown, path: readonly string[] = []): [path: readonly string[], value: unknown][] {
  if (typeof value !== "object" || value === null) return [[path, value]];
  return [
    [path, value],
    ...Object.entries(value).flatMap(([name, inner]) => placesOf(inner, [...path, name])),
  ];
}

test("any text comes out as it went in once its braces are doubled", () =>
  holds(
    fc.property(anyText, state, (text, given) => {
      assert.is(fillTemplate(parseTemplate(escaped(text)), valuesOf(given)), text);
    }),
    2_000,
  ));

test("a lookup of any place gives what is there with its type, and in a text its JSON", () =>
  holds(
    fc.property(state, fc.nat(), anyText, anyText, (given, at, before, after) => {
      const places = placesOf(given).slice(1);
      const [path, value] = places[at % places.length] ?? [[], null];
      const lookup = `{state.${path.join(".")}}`;
      assert.equal(fillTemplate(parseTemplate(lookup), valuesOf(given)), value);
      const shown = typeof value === "string" ? value : JSON.stringify(value);
      const filled = fillTemplate(
        parseTemplate(`${escaped(before)}x${lookup}${escaped(after)}`),
        valuesOf(given),
      );
      assert.is(filled, `${before}x${shown}${after}`);
    }),
    2_000,
  ));

test("a path leads to what the state holds of its own, and else ends the run: no prototype is ever reached", () =>
  holds(
    fc.property(state, fc.array(key, { minLength: 1, maxLength: 5 }), (given, path) => {
      const { value, error } = outcomeOf(() =>
        fillTemplate(parseTemplate(`{state.${path.join(".")}}`), valuesOf(given)),
      );
      const [, found] = placesOf(given).find(([place]) => place.join(".") === path.join(".")) ?? [];
      if (error === undefined) return assert.ok(Object.is(value, found), path.join("."));
      assert.ok(isFatalError(error), String(error));
      assert.is(found, undefined);
    }),
    5_000,
  ));

test("whatever a template says, it is refused when it is read or filled from the state alone", () =>
  holds(
    fc.property(
      bent(
        fc.constantFrom("{state.a.b}", "{a}", "a {{b}} {c.0}"),
        fc.oneof(anyText, fc.constantFrom("{", "}", "{{", ".", "state", "__proto__")),
      ),
      state,
      (text, given) => {
        const { value: template, error } = outcomeOf(() => parseTemplate(text));
        if (error !== undefined) {
          assert.instance(error, TypeError);
          return assert.match(error.message, /^Cannot read /);
        }
        const filled = outcomeOf(() => fillTemplate(template, valuesOf(given)));
        if (filled.error !== undefined) assert.ok(isFatalError(filled.error), String(filled.error));
        // What was read is what is written, with nothing left out.
        const written = template
          .map((part) => (typeof part === "string" ? escaped(part) : part.text))
          .join("");
        assert.is(written, text);
      },
    ),
    5_000,
  ));

test("a value without braces is filled with itself, at every depth and under every key", () =>
  holds(
    fc.property(json, state, (value, given) => {
      const quoted = JSON.parse(JSON.stringify(value), (_, part) =>
        typeof part === "string" ? escaped(part) : part,
      ) as unknown;
      const filled = compileTemplates(quoted)(valuesOf(given));
      assert.is(JSON.stringify(filled), JSON.stringify(value));
    }),
    2_000,
  ));

test.run();
