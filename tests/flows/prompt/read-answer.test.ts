import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { FieldType } from "../../../lib/flows/field-type.ts";
import { readAnswer } from "../../../lib/flows/prompt/read-answer.ts";

const test = suite("flows/prompt/read-answer");

const outputs = new Map([["n", { type: { kind: "int" } as FieldType, description: undefined }]]);

test("JSON is found alone, in a fence, and in a fence between words", () => {
  for (const text of [
    '{"n":1}',
    '  {"n":1}\n',
    '```json\n{"n":1}\n```',
    '```\n{"n":1}```',
    'Sure!\n```JSON\n{"n":1}\n```\nAnything else?',
    '{"n":1,"code":"```js\\n1\\n```"}',
  ]) {
    assert.equal(readAnswer(text, outputs, false), { value: { n: 1 } }, text);
  }
});

test("what is no object of the outputs is told without its value", () => {
  for (const [text, pointer, detail] of [
    ["n is 1", "", "Expected a JSON object, found text that is not JSON"],
    ["", "", "Expected a JSON object, found text that is not JSON"],
    ["{'n':1}", "", "Expected a JSON object, found text that is not JSON"],
    ['{"n":1} {"n":2}', "", "Expected a JSON object, found text that is not JSON"],
    ["7", "", "Expected a JSON object, found int"],
    ["null", "", "Expected a JSON object, found null"],
    ['[{"n":1}]', "", "Expected a JSON object, found list"],
    ['{"n":1.5}', "/n", "Expected int, found float"],
    ['{"n":"1"}', "/n", "Expected int, found str"],
    ['{"N":1}', "/n", "Expected int, found nothing"],
    ['{"__proto__":{"n":1}}', "/n", "Expected int, found nothing"],
  ] as const) {
    assert.equal(readAnswer(text, outputs, false), { faults: [{ pointer, detail }] }, text);
  }
});

test("an output may have a name that objects have by themselves", () => {
  const named = new Map([["constructor", { type: { kind: "int" } as FieldType, description: undefined }]]);
  assert.equal(readAnswer("{}", named, false), {
    faults: [{ pointer: "/constructor", detail: "Expected int, found nothing" }],
  });
  assert.equal(readAnswer('{"constructor":1}', named, false), { value: { constructor: 1 } });
});

test.run();
