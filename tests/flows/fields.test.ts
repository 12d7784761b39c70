import { suite } from "uvu";
import * as assert from "uvu/assert";
import { FAULTS_MAX, parseFieldType, typeFaults, typeText } from "../../lib/flows/field-type.ts";
import { initialState, parseFields } from "../../lib/flows/fields.ts";

const test = suite("flows/fields");

for (const text of ["str", "int", "float", "bool", "list", "dict", "list[str]", "dict[str,int]"]) {
  test(`${text} is a type`, () => assert.is(typed(text), text));
}

test("types stand in each other, with blanks where people write them", () => {
  assert.is(typed(" dict[ str , list[ dict[int, float] ] ] "), "dict[str,list[dict[int,float]]]");
  assert.is(parseFieldType(`${"list[".repeat(7)}str${"]".repeat(7)}`)?.kind, "list");
});

for (const text of ["", "string", "Str", "any", "list[]", "list[any]", "dict[str]", "dict[float,int]"]) {
  test(`${JSON.stringify(text)} is no type`, () => assert.is(parseFieldType(text), null));
}
for (const text of [
  "list[str",
  "str]",
  "dict[str,int,int]",
  "list[str]]",
  `${"list[".repeat(8)}str${"]".repeat(8)}`,
]) {
  test(`${JSON.stringify(text)} is no type either`, () => assert.is(parseFieldType(text), null));
}

const fitting: [type: string, ...values: unknown[]][] = [
  ["str", "", "x"],
  ["int", 0, -3, 1.0, Number.MAX_SAFE_INTEGER],
  ["float", 0, 1.5, 1e300],
  ["bool", true, false],
  ["list", [], [1, "a", null]],
  ["list[int]", [], [1, 2]],
  ["dict", {}, { a: [1] }],
  ["dict[str,list[int]]", {}, { a: [1], b: [] }],
  ["dict[int,str]", { "1": "a", "-2": "b" }],
];
for (const [type, ...values] of fitting) {
  test(`${type} takes ${JSON.stringify(values)}`, () => {
    for (const value of values) assert.equal(faultsOf(type, value), []);
  });
}

const misfits: [type: string, value: unknown, pointer: string, detail: string][] = [
  ["str", 1, "", "Expected str, found int"],
  ["str", null, "", "Expected str, found null"],
  ["int", "1", "", "Expected int, found str"],
  ["int", 1.5, "", "Expected int, found float"],
  ["int", 2 ** 53, "", "Expected int, found a whole number beyond 2^53"],
  ["int", true, "", "Expected int, found bool"],
  ["float", "1.5", "", "Expected float, found str"],
  ["float", Number.POSITIVE_INFINITY, "", "Expected float, found a number that JSON does not have"],
  ["int", 1.5, "", "Expected int, found float"],
  ["int", Number.NaN, "", "Expected int, found a number that JSON does not have"],
  ["dict", { a: [Number.NaN] }, "/a", "Expected numbers that JSON has, found one that it would make null"],
  [
    "list",
    [1, Number.NEGATIVE_INFINITY],
    "/1",
    "Expected numbers that JSON has, found one that it would make null",
  ],
  ["bool", "true", "", "Expected bool, found str"],
  ["bool", 0, "", "Expected bool, found int"],
  ["list", {}, "", "Expected list, found dict"],
  ["dict", [], "", "Expected dict, found list"],
  ["dict", null, "", "Expected dict, found null"],
  ["list[int]", [1, "2"], "/1", "Expected int, found str"],
  ["dict[str,list[int]]", { "a/b": [1.5] }, "/a~1b/0", "Expected int, found float"],
  ["dict[int,str]", { x: "a" }, "/x", "Expected a key that is a whole number, found text"],
];
for (const [type, value, pointer, detail] of misfits) {
  test(`${type} refuses ${JSON.stringify(value)} at ${JSON.stringify(pointer)}`, () => {
    assert.equal(faultsOf(type, value), [{ pointer, detail }]);
  });
}

const fields = parseFields({
  topic: { type: "str", required: true },
  count: { type: "int", default: 3 },
  tags: { type: "list[str]" },
});

test("inputs become the state: defaults fill in, what has no value is absent, nothing is coerced", () => {
  assert.equal(initialState(fields, { topic: "AI" }), { value: { topic: "AI", count: 3 } });
  assert.equal(initialState(fields, { topic: "", count: 0, tags: [] }), {
    value: { topic: "", count: 0, tags: [] },
  });
});

test("all faults are found at once, each with its pointer and without the value", () => {
  const validation = initialState(fields, {
    count: "hunter2",
    tags: ["a", { hunter2: "hunter2" }],
    extra: "hunter2",
  });
  if (!("faults" in validation)) throw new Error("Expected faults");
  assert.equal(
    validation.faults.map((fault) => fault.pointer),
    ["/topic", "/count", "/tags/1", "/extra"],
  );
  assert.match(validation.faults[3]?.detail ?? "", /Unknown input: the flow takes topic, count, tags/);
  assert.not.match(JSON.stringify(validation), /hunter2/);
});

for (const [input, found] of [
  [null, "null"],
  [undefined, "nothing"],
  [[], "list"],
  ["x", "str"],
] as const) {
  test(`${found} is no object of inputs`, () => {
    assert.equal(initialState(fields, input), {
      faults: [{ pointer: "", detail: `Expected an object of inputs, found ${found}` }],
    });
  });
}

test("an input named after something of Object's is unknown, and none is found there", () => {
  const validation = initialState(fields, JSON.parse('{"topic": "AI", "__proto__": {}, "toString": 1}'));
  if (!("faults" in validation)) throw new Error("Expected faults");
  assert.equal(
    validation.faults.map((fault) => fault.pointer),
    ["/__proto__", "/toString"],
  );
  const named = parseFields({ toString: { type: "str" } });
  assert.equal(initialState(named, {}), { value: {} });
});

test("a million wrong items are a hundred faults", () => {
  assert.is(faultsOf("list[int]", Array(1_000_000).fill("x")).length, FAULTS_MAX);
});

function typed(text: string): string {
  const type = parseFieldType(text);
  return type === null ? "no type" : typeText(type);
}

function faultsOf(type: string, value: unknown): unknown[] {
  const parsed = parseFieldType(type);
  if (parsed === null) throw new Error(`${type} is no type`);
  return typeFaults(parsed, value);
}

test.run();
