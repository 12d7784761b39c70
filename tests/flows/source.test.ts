import { suite } from "uvu";
import * as assert from "uvu/assert";
import { FLOW_BYTES_MAX, readSource } from "../../lib/flows/source.ts";

const test = suite("flows/source");

test("YAML becomes plain JSON, and each part has its line and column", () => {
  const source = readSource("a: 1\nlist:\n  - { name: x }\n  - name: y\n1.50: yes\n", false);
  assert.equal(source.faults, []);
  assert.equal(source.value, { a: 1, list: [{ name: "x" }, { name: "y" }], "1.50": "yes" });
  assert.equal(source.locate([]), { line: 1, column: 1 });
  assert.equal(source.locate(["list"]), { line: 2, column: 1 });
  assert.equal(source.locate(["list", 0, "name"]), { line: 3, column: 7 });
  assert.equal(source.locate(["list", 1]), { line: 4, column: 5 });
  // A part that is missing is where its parent is.
  assert.equal(source.locate(["list", 1, "other"]), { line: 4, column: 5 });
});

test("an anchor may be used, and its parts are located where they are written", () => {
  const source = readSource("a: &x\n  k: 1\nb: *x\n", false);
  assert.equal(source.value, { a: { k: 1 }, b: { k: 1 } });
  assert.equal(source.locate(["b", "k"]), { line: 2, column: 3 });
});

test("JSON with tabs and a byte order mark is read, by the letter", () => {
  const source = readSource('\ufeff{\n\t"a": [\n\t\t1\n\t]\n}', true);
  assert.equal(source.faults, []);
  assert.equal(source.value, { a: [1] });
  assert.equal(readSource('{"a": 1}', true).locate(["a"]), { line: 1, column: 2 });
});

const bomb = `a: &a [x,x,x,x,x,x,x,x,x,x]
b: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]
c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]
d: [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]`;
const refused: [what: string, text: string, isJson: boolean, line: number, detail: RegExp][] = [
  ["a tab as indentation", "a:\n\tb: 1", false, 2, /Tabs are not allowed as indentation; use spaces$/],
  ["an item out of line", "a:\n  - b: 1\n   c: 1", false, 3, /without - indicator; line it up/],
  ["a text with a colon", "a: b: c", false, 1, /; put a text that has ": " in it in quotes$/],
  ["a text behind a template", "a: {b} c", false, 1, /; put a text that begins with such a sign in quotes$/],
  ["a text that begins with @", "a: @b", false, 1, /; put the text in quotes$/],
  ["a quote that is not closed", "a: 'x", false, 1, /Missing closing 'quote/],
  ["a second document", "a: 1\n---\nb: 2", false, 2, /second document/],
  ["a bomb of aliases", bomb, false, 1, /aliases \(at most 100\)/],
  ["an alias to what it stands in", "a: &x\n  [*x]", false, 2, /Cannot follow \*x: it stands in what it/],
  ["an alias to nothing", "a:\n  *nope", false, 2, /Cannot follow \*nope: no &nope stands before it/],
  ["an alias before its anchor", "a: *b\nc: &b 1", false, 1, /Cannot follow \*b/],
  ["a key to merge", "a: &x { y: 1 }\nb:\n  <<: *x", false, 3, /Cannot merge by "<<": write the keys out/],
  ["a tag that makes objects", "a: !!binary aGk=", false, 1, /Unresolved tag/],
  ["a key that is a list", "? [a]\n: 1", false, 1, /keys must be strings/],
  ["more than 1 MiB", `a: ${"x".repeat(FLOW_BYTES_MAX)}`, false, 1, /more than 1048576 bytes/],
  ["65 levels of lists", "[".repeat(65) + "]".repeat(65), false, 1, /nested more than 64 deep/],
  ["100,000 open lists", "[".repeat(100_000), false, 1, /nested more than 64 deep/],
  ["50,000 list marks in a line", "- ".repeat(50_000), false, 1, /nested more than 64 deep/],
  ["30,000 open mappings", "{a: ".repeat(30_000), false, 1, /nested more than 64 deep/],
  ["a comment in JSON", '{"a": 1 // one\n}', true, 1, /as JSON/],
  ["a comma too many in JSON", '{"a": 1,}', true, 1, /as JSON/],
];
for (const [what, text, isJson, line, detail] of refused) {
  test(`${what} is refused in its line`, () => {
    const { faults, value } = readSource(text, isJson);
    assert.is(value, undefined);
    assert.match(faults[0]?.detail ?? "no fault", detail);
    assert.is(faults[0]?.line, line);
  });
}

const misread: [what: string, text: string, isJson: boolean, value: unknown, faults: string[]][] = [
  [
    "an id",
    "a: 12345678901234567890",
    false,
    { a: 12345678901234567000 },
    ["1:4: Cannot read 12345678901234567890 as a number without loss: put it in quotes"],
  ],
  [
    "large numbers that are exact",
    "a: [9007199254740992, 10000000000000000000000, -0.1, 0x20000000000000]",
    false,
    { a: [2 ** 53, 1e22, -0.1, 2 ** 53] },
    [],
  ],
  [
    "an anchor at a template without quotes",
    "a: &x {t}\nb: *x",
    false,
    { a: "{t}", b: "{t}" },
    ['1:7: Cannot read {t} without quotes: write "{t}", or [t] for a list'],
  ],
  [
    "an id in JSON",
    '{"a":9007199254740993}',
    true,
    { a: 9007199254740992 },
    ["1:6: Cannot read 9007199254740993 as a number without loss: put it in quotes"],
  ],
  [
    "a hexadecimal id",
    "a: 0xe000000000000001",
    false,
    { a: 0xe000000000000000 },
    ["1:4: Cannot read 0xe000000000000001 as a number without loss: put it in quotes"],
  ],
  [
    "infinity",
    "a: [-.inf, .nan]",
    false,
    { a: [null, null] },
    [
      "1:5: Cannot read -.inf as a number without loss: put it in quotes",
      "1:12: Cannot read .nan as a number without loss: put it in quotes",
    ],
  ],
  [
    "a number beyond all",
    "a: 1e400",
    false,
    { a: null },
    ["1:4: Cannot read 1e400 as a number without loss: put it in quotes"],
  ],
  [
    "a key",
    "a: 1\nb: 2\na: 3",
    false,
    { a: 3, b: 2 },
    ['3:1: Cannot use "a" twice: it stands in line 1 already'],
  ],
  [
    "a deep key",
    "a:\n  - b: 1\n    b: 2",
    false,
    { a: [{ b: 2 }] },
    ['3:5: Cannot use "b" twice: it stands in line 2 already'],
  ],
  [
    "a key in JSON",
    '{"a": 1,\n"a": 2}',
    true,
    { a: 2 },
    ['2:1: Cannot use "a" twice: it stands in line 1 already'],
  ],
  [
    "a template",
    "a: {b.c-1.0}",
    false,
    { a: "{b.c-1.0}" },
    ['1:4: Cannot read {b.c-1.0} without quotes: write "{b.c-1.0}", or [b.c-1.0] for a list'],
  ],
  [
    "a template of two lines in a list",
    "a: [1, {\n b }]",
    false,
    { a: [1, "{b}"] },
    ['1:8: Cannot read {b} without quotes: write "{b}", or [b] for a list'],
  ],
];
for (const [what, text, isJson, value, faults] of misread) {
  test(`${what} that is read otherwise than meant is told of, and the rest is read`, () => {
    const source = readSource(text, isJson);
    assert.equal(source.value, value);
    assert.equal(
      source.faults.map(({ line, column, detail }) => `${line}:${column}: ${detail}`),
      faults,
    );
  });
}

test("a template without quotes is located where it stands", () => {
  assert.equal(readSource("a:\n  - {b}", false).locate(["a", 0]), { line: 2, column: 5 });
});

test("what only looks like it is nothing of the kind", () => {
  const { value, faults } = readSource(
    'a: {b: }\nc: {d: null}\ne: { f, g }\nh:\n  ? i\nj: {"k"}\np: [1e20, -9007199254740991, 1.5]\nl: {m n}\no: {}\n"<<": 1',
    false,
  );
  assert.equal(faults, []);
  assert.equal(value, {
    a: { b: null },
    c: { d: null },
    e: { f: null, g: null },
    h: { i: null },
    j: { k: null },
    p: [1e20, -9007199254740991, 1.5],
    l: { "m n": null },
    o: {},
    "<<": 1,
  });
});

test("64 levels are read, and a thousand faults are reported as twenty", () => {
  assert.equal(readSource("[".repeat(64) + "]".repeat(64), false).faults, []);
  assert.is(readSource("]".repeat(1_000), false).faults.length, 20);
});

test("a file of 25,000 keys is read in time", () => {
  const text = Array.from({ length: 25_000 }, (_, index) => `key${index}: 1`).join("\n");
  const startedAt = performance.now();
  assert.equal(readSource(text, false).faults, []);
  assert.ok(performance.now() - startedAt < 10_000);
});

test("a key named __proto__ is a key", () => {
  const { value } = readSource("__proto__: { x: 1 }", false);
  assert.equal(Object.keys(Object(value)), ["__proto__"]);
  assert.is(Reflect.get(Object(value), "x"), undefined);
});

test.run();
