import { suite } from "uvu";
import * as assert from "uvu/assert";
import { type FieldType, parseFieldType } from "../../../lib/flows/field-type.ts";
import { isClosed, type OutputField, toJsonSchema } from "../../../lib/flows/prompt/output-schema.ts";

const test = suite("flows/prompt/output-schema");

function typeOf(text: string): FieldType {
  const type = parseFieldType(text);
  if (type === null) throw new Error(`${text} is no type`);
  return type;
}

const OBJECT: FieldType = { kind: "object", fields: new Map([["a", typeOf("list[int]")]]) };

test("each type has its JSON Schema, and every part is required", () => {
  const fields: [string, OutputField][] = [
    ["s", { type: typeOf("str"), description: "a line" }],
    ["i", { type: typeOf("int"), description: undefined }],
    ["f", { type: typeOf("float"), description: undefined }],
    ["b", { type: typeOf("bool"), description: undefined }],
    ["l", { type: typeOf("list"), description: undefined }],
    ["d", { type: typeOf("dict"), description: undefined }],
    ["n", { type: typeOf("dict[str, list[dict[int, float]]]"), description: undefined }],
    ["o", { type: OBJECT, description: "an object" }],
  ];
  assert.equal(toJsonSchema(new Map(fields)), {
    type: "object",
    properties: {
      s: { type: "string", description: "a line" },
      i: { type: "integer" },
      f: { type: "number" },
      b: { type: "boolean" },
      l: { type: "array", items: {} },
      d: { type: "object", additionalProperties: true },
      n: {
        type: "object",
        additionalProperties: {
          type: "array",
          items: { type: "object", additionalProperties: { type: "number" } },
        },
      },
      o: {
        type: "object",
        properties: { a: { type: "array", items: { type: "integer" } } },
        required: ["a"],
        additionalProperties: false,
        description: "an object",
      },
    },
    required: ["s", "i", "f", "b", "l", "d", "n", "o"],
    additionalProperties: false,
  });
});

test("a type is closed where no key and no part is left open", () => {
  for (const [text, closed] of [
    ["str", true],
    ["list[list[int]]", true],
    ["list", false],
    ["dict", false],
    ["list[dict[str,int]]", false],
  ] as const) {
    assert.is(isClosed(typeOf(text)), closed, text);
  }
  assert.is(isClosed(OBJECT), true);
  assert.is(isClosed({ kind: "object", fields: new Map([["a", typeOf("list")]]) }), false);
});

test.run();
