import { suite } from "uvu";
import * as assert from "uvu/assert";
import { isSorted, jsonForms, REFORM_BYTES_MAX } from "../../lib/doctor/json-forms.ts";
import { WRITERS } from "./writers.ts";

const test = suite("doctor/json-forms");

const VALUE = {
  id: "evt_1",
  "10": 'a "quoted" path\\to/a',
  who: "Jürgen 山田 🎉 <b> & 'c'",
  lines: "one\ntwo\tthree",
  list: [1, -2.5, 1e21, true, false, null, [], {}, [[1]]],
  empty: {},
};

function formsOf(text: string): string[] {
  return [...jsonForms(Buffer.from(text))].flatMap((form) =>
    form === null ? [] : [Buffer.from(form.bytes).toString()],
  );
}

for (const [name, { write }] of Object.entries(WRITERS)) {
  if (/map|perl|swift/.test(name)) continue; // they order keys, or write empty lists in a way of their own
  test(`JSON that JavaScript has written anew is found as ${name} had written it`, () => {
    const sent = write(VALUE);
    // As a parser before us does it.
    const came = JSON.stringify(JSON.parse(sent));
    const keysStay = JSON.parse(sent) as object;
    assert.equal(Object.keys(keysStay)[0], "10", "JavaScript puts keys that are numbers first");
    const forms = formsOf(came);
    assert.ok(forms.includes(sent), `${sent}\n\n${forms.join("\n")}`);
  });
}

test("numbers, keys and their order stay as they stand", () => {
  const text = '{"b":1.0,"10":1E5,"a":-0,"b":12345678901234567890}';
  assert.ok(formsOf(text).includes('{"b": 1.0, "10": 1E5, "a": -0, "b": 12345678901234567890}'));
});

test("what is no JSON, or larger than is written anew, has no forms", () => {
  for (const text of ["", "  ", '{"a":"b', "<a/>", '{"a":"\\x"}', "{'a':1}"]) {
    assert.equal(formsOf(text), [], text);
  }
  assert.equal(formsOf(`"${"a".repeat(REFORM_BYTES_MAX)}"`), []);
  assert.equal([...jsonForms(Uint8Array.of(0x22, 0xff, 0x22))], []);
});

test("brackets alone make no form that is many times as large", () => {
  const deep = "[".repeat(50_000) + "]".repeat(50_000);
  for (const form of formsOf(deep)) assert.ok(form.length < 1_500_000, String(form.length));
});

test("keys are in order only where those of all objects are, and there are many", () => {
  const many = Object.fromEntries([..."abcdefghijk"].map((key) => [key, 1]));
  assert.is(isSorted({ ...many, z: [{ a: 1, b: 2 }] }), true);
  assert.is(isSorted({ ...many, z: [{ b: 1, a: 2 }] }), false);
  assert.is(isSorted({ a: 1, b: 2 }), false);
});

test.run();
