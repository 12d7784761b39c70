import { suite } from "uvu";
import * as assert from "uvu/assert";
import { type FieldType, parseFieldType } from "../../lib/flows/field-type.ts";
import { parseFields } from "../../lib/flows/fields.ts";
import type { NodeForm } from "../../lib/flows/node-kind.ts";
import { checkOutputs, outputsOf, takeOutputs, WHOLE } from "../../lib/flows/outputs.ts";

const test = suite("flows/outputs");

const type = (text: string): FieldType => parseFieldType(text) ?? { kind: "any" };
const http = new Map([
  ["status", type("int")],
  ["headers", type("dict[str,str]")],
  ["body", { kind: "any" }] as [string, FieldType],
]);
const answer = new Map([["result", type("str")]]);
const fields = parseFields({
  status: { type: "int" },
  body: { type: "dict" },
  etag: { type: "str" },
  title: { type: "str" },
  note: { type: "str", default: null },
});
const node = (outputs: NodeForm["outputs"]): NodeForm => ({
  id: "get",
  ...(outputs === undefined ? {} : { outputs }),
});

test("a list takes the parts of its names, a mapping those that it says, and a whole result is looked into", () => {
  assert.equal(outputsOf(node(["status"]), http), [{ field: "status", path: ["status"] }]);
  assert.equal(outputsOf(node({ title: "body.items.0.title" }), http), [
    { field: "title", path: ["body", "items", "0", "title"] },
  ]);
  assert.equal(outputsOf(node(["title"]), WHOLE), [{ field: "title", path: ["result", "title"] }]);
  // A part that happens to have this name is none.
  assert.equal(outputsOf(node(["result"]), answer), [{ field: "result", path: ["result"] }]);
  assert.equal(outputsOf(node(undefined), http), []);
});

const faulty: readonly [what: string, outputs: NodeForm["outputs"], place: unknown, detail: RegExp][] = [
  ["an undeclared field", ["boddy"], ["n", "outputs", 0], /Cannot write "boddy": .*did you mean "body"/],
  [
    "a part that there is not",
    ["title"],
    ["n", "outputs", 0],
    /Cannot take "title" for title: the node gives no such part/,
  ],
  ["a slip in a part", { title: "bdoy.title" }, ["n", "outputs", "title"], /did you mean "body"/],
  [
    "a part of another type",
    { title: "status" },
    ["n", "outputs", "title"],
    /status, which is int, to title: expected str/,
  ],
  [
    "a part of a number",
    { title: "status.x" },
    ["n", "outputs", "title"],
    /Cannot take "status.x" for title: status is int and has no parts/,
  ],
  ["an empty part", { title: "body..x" }, ["n", "outputs", "title"], /Cannot take "body..x": write such as/],
];
for (const [what, outputs, place, detail] of faulty) {
  test(`${what} is told of`, () => {
    const [fault, ...more] = checkOutputs(node(outputs), http, fields, ["n"]);
    assert.equal(fault?.place, place);
    assert.match(fault?.detail ?? "", detail);
    assert.equal(more, []);
  });
}

test("of a whole result it is said how its parts are written", () => {
  const faultsOf = (path: string): string[] =>
    checkOutputs(node({ title: path }), WHOLE, fields, []).map(({ detail }) => detail);
  assert.equal(faultsOf("name"), [
    'Cannot take "name" for title: the node gives no such part; write result.name',
  ]);
  assert.match(faultsOf("reslt.name").join(), /did you mean "result"\?$/);
  assert.equal(faultsOf("result.name"), []);
});

test("parts that may fit have no fault", () => {
  assert.equal(
    checkOutputs(node({ title: "body.title", etag: "headers.etag", status: "status" }), http, fields, []),
    [],
  );
});

const result = { status: 200, headers: { etag: "x" }, body: { title: "T", list: ["a"], none: null } };
const take = (outputs: NodeForm["outputs"]): unknown =>
  takeOutputs("get", result, outputsOf(node(outputs), http), fields);

test("parts are taken by own keys and places in lists", () => {
  assert.equal(take({ title: "body.list.0", etag: "headers.etag", note: "body.none" }), {
    title: "a",
    etag: "x",
    note: null,
  });
});

const missing = [
  "body.x",
  "body.title.length",
  "body.list.1",
  "body.list.length",
  "body.__proto__",
  "headers.constructor",
];
for (const path of missing) {
  test(`${path} is not there, and the message says so`, () => {
    assert.throws(
      () => take({ title: path }),
      (error: Error) =>
        error.message === `Cannot write field "title" in node "get": its result has no "${path}"`,
    );
  });
}

test("a wrong type names node, field, expected and actual type, and not the value", () => {
  assert.throws(
    () => take({ title: "body.list" }),
    /^Cannot write field "title" in node "get": expected str, found list$/,
  );
  assert.throws(() => take({ title: "body.none" }), /expected str, found null/);
});

test.run();
