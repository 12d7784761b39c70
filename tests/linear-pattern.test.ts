import { suite } from "uvu";
import * as assert from "uvu/assert";
import { compileLinearPattern } from "../lib/linear-pattern.ts";

const test = suite("linear-pattern");

const free = (): void => {};

/** Expressions that mean the same to the runtime's own engine, which says what is expected of each text. */
const same: readonly string[] = [
  "abc",
  "^abc$",
  "^a",
  "c$",
  "",
  "^$",
  "a|b",
  "a||b",
  "(a|b)c",
  "(?:ab)+",
  "a*",
  "a+b",
  "a?b",
  "a{2}",
  "a{2,}",
  "a{1,3}b",
  "^a{0}b",
  "a*?b",
  "a+?b",
  "a??b",
  "a{2,3}?b",
  ".",
  "^.$",
  "[abc]",
  "[^abc]",
  "[a-c]x",
  "[-a]",
  "[a-]",
  "[\\]]",
  "[^\\d]",
  "[\\w.]+@",
  "\\d+",
  "\\D",
  "\\w",
  "\\W",
  "\\.",
  "\\\\",
  "\\n",
  "\\t",
  "\\ba\\b",
  "\\Ba",
  "(a*)*",
  "(a*)+b",
  "(a+)+$",
  "(a|a)*b",
  "(.*)*x",
  "(|a)+b",
  "()*a",
  "(^a|b$)",
  "a|^",
  "/deploy\\s+[a-z]+",
  "^(fix|feat)(\\(.+\\))?:",
];
const texts: readonly string[] = [
  "",
  "a",
  "b",
  "ab",
  "abc",
  "xabcx",
  "aab",
  "aaab",
  "abab",
  "ac",
  "bc",
  "c",
  "x",
  "\n",
  "\t",
  "a\nb",
  ".",
  "\\",
  "-",
  "]",
  "a@b",
  "9",
  "a9_",
  " ",
  "a b",
  "ba",
  "é",
  "😀",
  "😀a",
  "/deploy now",
  "fix: x",
  "feat(core): y",
  "feature: z",
];
for (const source of same) {
  test(`${JSON.stringify(source)} matches as RegExp does`, () => {
    const pattern = compileLinearPattern(source);
    const expected = new RegExp(source, "u");
    for (const text of texts) assert.is(pattern.test(text, free), expected.test(text), JSON.stringify(text));
  });
}

test("(?i) at the start ignores the case of ASCII letters and of no others", () => {
  const yes: [string, string][] = [
    ["(?i)deploy", "DePloY"],
    ["(?i)[a-c]X", "Bx"],
    ["(?i)[^a]", "b"],
  ];
  for (const [source, text] of yes) assert.ok(compileLinearPattern(source).test(text, free), source);
  const no: [string, string][] = [
    ["(?i)k", "\u212a"],
    ["(?i)[^a]", "A"],
    ["deploy", "Deploy"],
    ["(?i)é", "É"],
  ];
  for (const [source, text] of no) assert.not(compileLinearPattern(source).test(text, free), source);
});

test("half a surrogate pair is a character like any other", () => {
  assert.ok(compileLinearPattern("^a.b$").test("a\ud800b", free));
  assert.ok(compileLinearPattern("^..$").test("\udc00\ud800", free));
  assert.ok(compileLinearPattern("^.$").test("😀", free));
});

const refused: readonly [source: string, message: RegExp][] = [
  ["(a)\\1", /"\\1" is not understood/],
  ["(?=a)", /only \(\?:/],
  ["(?!a)", /only \(\?:/],
  ["(?<=a)b", /only \(\?:/],
  ["(?<name>a)", /only \(\?:/],
  ["a(?i)b", /only \(\?:/],
  ["\\p{L}", /"\\p" is not understood/],
  ["[[:alpha:]]", /\[:alpha:\]/],
  ["(a", /not closed/],
  ["a)", /closes nothing/],
  ["[a", /not closed/],
  ["[b-a]", /range/],
  ["[\\d-z]", /range/],
  ["*a", /repeats nothing/],
  ["a**", /cannot be repeated/],
  ["^*", /nothing to repeat/],
  ["a{", /give a count/],
  ["a{2", /give a count/],
  ["a{3,2}", /ends below/],
  ["\\", /at the end/],
  ["a{1001}", /too large/],
  ["((a{100}){100}){100}", /too large/],
  ["(".repeat(60) + ")".repeat(60), /over 50 deep/],
  ["a".repeat(1_001), /1001 characters/],
];
for (const [source, message] of refused) {
  test(`${JSON.stringify(source.slice(0, 30))} is refused`, () => {
    assert.throws(
      () => compileLinearPattern(source),
      (error: Error) => error instanceof TypeError && message.test(error.message),
    );
  });
}

test("what is nothing is written out once, however often it is repeated", () => {
  assert.ok(compileLinearPattern("(((){99999}){99999}){99999}a").test("a", free));
});

/** With a backtracking engine each of these takes from a second to the age of the world. */
const classics: readonly string[] = [
  "(a+)+$",
  "(a|a)*b",
  "(.*)*x",
  "a*a*a*a*a*b",
  "(a?){30}a{30}b",
  "(a|aa)+$",
  "([a-zA-Z]+)*$",
  "^(([a-z])+.)+[A-Z]([a-z])+$",
  "(.*a){20}b",
  "(x+x+)+y",
  "(a*)*b",
  "(a|b|ab)*c",
  "(\\w+\\s?)*$",
  "^(\\d|\\w)*!$",
];
for (const source of classics) {
  test(`${source} looks at each place once a character, on 4 KiB`, () => {
    const pattern = compileLinearPattern(source);
    for (const unit of ["a", "ab", "x", "a ", "0", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaab"]) {
      const text = `${unit.repeat(4_096 / unit.length)}!`;
      let looked = 0;
      pattern.test(text, (places) => {
        looked += places;
      });
      assert.ok(looked < 600 * text.length, `${looked} places for ${JSON.stringify(unit)}`);
    }
  });
}

test("who pays may stop it", () => {
  assert.throws(
    () =>
      compileLinearPattern("a*b").test("a".repeat(4_096), () => {
        throw new RangeError("enough");
      }),
    /enough/,
  );
});

test.run();
