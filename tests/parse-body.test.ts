import { suite } from "uvu";
import * as assert from "uvu/assert";
import { WebhookError } from "../lib/errors.ts";
import { encodeText } from "../lib/json.ts";
import {
  FIELDS_MAX,
  mediaType,
  parseBody,
  parseFields,
  parseStoredBody,
  tryParseBody,
} from "../lib/parse-body.ts";
import { randomOf } from "./support/random.ts";

const test = suite("parse-body");

const FORM = "application/x-www-form-urlencoded";

const FORMS: [text: string, value: unknown][] = [
  ["", {}],
  ["a=1", { a: "1" }],
  ["a=1&b=2", { a: "1", b: "2" }],
  ["a=1&a=2", { a: ["1", "2"] }],
  ["a=1&b=2&a=3&a=", { a: ["1", "3", ""], b: "2" }],
  ["a", { a: "" }],
  ["=1", { "": "1" }],
  ["&&a=1&&", { a: "1" }],
  ["a=1=2", { a: "1=2" }],
  ["a=%F0%9F%92%9B+%2B", { a: "💛 +" }],
  ["a=ü", { a: "ü" }],
  ["a=%zz%", { a: "%zz%" }],
  ["?a=1", { "?a": "1" }],
  ["a+b=+", { "a b": " " }],
  ["a=1;b=2", { a: "1;b=2" }],
  ["\uFEFFa=1", { "\uFEFFa": "1" }],
  ['payload={"a":1}', { a: 1 }],
  ["payload=%5B1%5D", [1]],
  ["payload=+%7B%7D", {}],
  ["payload={}&b=1", { payload: "{}", b: "1" }],
  ["b=1&payload={}", { payload: "{}", b: "1" }],
  ["payload={}&payload={}", { payload: ["{}", "{}"] }],
  ["Payload={}", { Payload: "{}" }],
  ["payload={", { payload: "{" }],
  ['payload="text"', { payload: '"text"' }],
  ["payload=null", { payload: "null" }],
];

for (const [text, value] of FORMS) {
  test(`the form ${JSON.stringify(text)} is ${JSON.stringify(value)}, before it was stored and after`, () => {
    const bytes = encodeText(text);
    assert.equal(parseBody(bytes, FORM), value);
    assert.equal(parseStoredBody(bytes, FORM), value);
    assert.equal(tryParseBody(bytes, FORM), value);
  });
}

test("a name that objects inherit is a field of its own", () => {
  for (const name of ["__proto__", "constructor", "toString"]) {
    const value = parseBody(encodeText(`${name}=a&${name}=b&x=1`), FORM) as object;
    assert.equal(Object.keys(value), [name, "x"]);
    assert.equal(Object.getOwnPropertyDescriptor(value, name)?.value, ["a", "b"]);
    assert.is(Object.getPrototypeOf(value), Object.prototype);
  }
});

test("fields are read in their order, blank and repeated ones, too", () => {
  assert.equal(parseFields(encodeText("b=1&a=&b=2&c")), [
    ["b", "1"],
    ["a", ""],
    ["b", "2"],
    ["c", ""],
  ]);
});

test("fields are read as the URL standard has it, whatever they are made of", () => {
  const random = randomOf(20_261_030);
  // Letters beyond ASCII stand escaped: beside an escape that is no UTF-8, URLSearchParams of Node 20 garbles bare ones.
  const pieces = [
    "&",
    "=",
    "+",
    "%",
    "%2",
    "%2B",
    "%zz",
    "%c3%bc",
    "%C3",
    "%bc",
    "%ED%A0%80",
    "%EF%BB%BF",
    "%00",
  ];
  pieces.push("a", "A", ";", " ", "\n", "\0", "%%41", "%4", "@A", "%@A", "%G1", "%`a", "%/0", "%:0");
  for (let round = 0; round < 5_000; round++) {
    const length = 1 + Math.floor(random() * 8);
    const text = Array.from({ length }, () => pieces[Math.floor(random() * pieces.length)]).join("");
    assert.equal(parseFields(encodeText(text)), [...new URLSearchParams(`&${text}`)], JSON.stringify(text));
  }
});

test("as many fields as are allowed are read, and of one more none", () => {
  for (const field of ["a=1", "a", "", "abc=%20"]) {
    const most = encodeText(Array(FIELDS_MAX).fill(field).join("&"));
    assert.is(parseFields(most).length, field === "" ? 0 : FIELDS_MAX);
    const over = encodeText(
      Array(FIELDS_MAX + 1)
        .fill(field)
        .join("&"),
    );
    assert.is(
      codeOf(() => parseFields(over)),
      "form_invalid",
    );
    assert.is(tryParseBody(over, FORM), undefined);
  }
});

test("the time for a form goes with its bytes, whatever they are", () => {
  const startedAt = performance.now();
  for (const text of ["&", "a&", "=", "%", "+", "a+", "%2B", "a=1%", "payload=[", " ", "\n"])
    tryParseBody(Buffer.alloc(2_000_000, text), FORM);
  assert.ok(performance.now() - startedAt < 8_000);
});

test("what is no UTF-8 or no JSON is refused with its own code", () => {
  const bad = Uint8Array.from([0x61, 0x3d, 0xff]);
  assert.is(
    codeOf(() => parseBody(bad, FORM)),
    "form_invalid",
  );
  assert.is(
    codeOf(() => parseBody(bad, "application/json")),
    "json_invalid",
  );
  assert.is(
    codeOf(() => parseBody(encodeText("a=1"), "application/json")),
    "json_invalid",
  );
  assert.is(
    codeOf(() => parseBody(encodeText("[".repeat(201) + "]".repeat(201)), "text/x")),
    "json_too_deep",
  );
  assert.is(tryParseBody(encodeText("{"), "application/json"), undefined);
});

test("a content type is read without its parameters and in any case", () => {
  for (const text of [FORM, FORM.toUpperCase(), ` ${FORM} `, `${FORM}; charset=utf-8`, `${FORM};a=1;b=2`]) {
    assert.is(mediaType(text), FORM, text);
    assert.equal(parseBody(encodeText("a=1"), text), { a: "1" });
  }
  assert.is(mediaType(""), "");
  assert.is(mediaType(`application/json;x=\n${FORM}`), "application/json");
});

test.run();

function codeOf(parse: () => unknown): string {
  try {
    parse();
  } catch (error) {
    if (error instanceof WebhookError) return error.code;
    throw error;
  }
  return "parsed";
}
