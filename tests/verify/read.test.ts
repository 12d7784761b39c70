import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { Read } from "../../lib/scheme.ts";
import { headersOf, type Readable, read, readPath } from "../../lib/verify/read.ts";

const test = suite("verify/read");

function delivery(value: unknown, headers: Record<string, string> = {}): Readable {
  return {
    headers: new Headers(headers),
    headerName: (name) => name,
    value,
    bodyHash: () => Uint8Array.from([0xab, 0x01]),
  };
}

test("a path leads through objects and lists to a text or a whole number", () => {
  const value = { id: "a", n: 7, zero: 0, deep: { list: [{ x: "y" }, ["z"]] }, "": "empty key" };
  for (const [path, expected] of [
    ["id", "a"],
    ["n", "7"],
    ["zero", "0"],
    ["deep.list.0.x", "y"],
    ["deep.list.1.0", "z"],
    ["", "empty key"],
  ] as const)
    assert.is(readPath(value, path), expected, path);
  assert.is(readPath([{ event: "e" }], "0.event"), "e");
});

test("there is nothing behind a text, beyond a list, or in what every object inherits", () => {
  const value = { id: "a", list: ["x"], none: null, yes: true, float: 1.5, big: 2 ** 53, object: {} };
  for (const path of [
    "missing",
    "id.length",
    "id.0",
    "list.1",
    "list.-1",
    "list.length.x",
    "none",
    "none.x",
    "yes",
    "float",
    "big",
    "object",
    "list",
    "constructor",
    "constructor.name",
    "__proto__",
    "toString",
    "object.hasOwnProperty",
    "ID",
    " id",
  ])
    assert.is(readPath(value, path), null, path);
  assert.is(readPath(Object.create({ id: "inherited" }), "id"), null);
  for (const nothing of [undefined, null, "text", 7, true, []]) assert.is(readPath(nothing, "id"), null);
});

test("a number beyond 2^53 is no text, because two of them read the same", () => {
  for (const text of ["9007199254740993", "9007199254740992", "-9007199254740993", "1e400"])
    assert.is(readPath(JSON.parse(`{"id":${text}}`), "id"), null, text);
  assert.is(readPath(JSON.parse('{"id":9007199254740991}'), "id"), "9007199254740991");
});

const CASES: [name: string, from: Read, text: string | null, headers?: readonly string[]][] = [
  ["a header", { header: "x-id" }, "h", ["x-id"]],
  ["a header that is empty", { header: "x-empty" }, null],
  ["a header that is not there", { header: "x-none" }, null],
  ["a path", { body: "a.b" }, "c"],
  ["an empty text", { body: "empty" }, null],
  ["the body's hash", { hash: "body" }, "sha256:ab01"],
  ["the first key", { bodyKeyBut: [] }, "a"],
  ["the first key but some", { bodyKeyBut: ["a", "empty"] }, "n"],
  ["no other key", { bodyKeyBut: ["a", "empty", "n"] }, null],
  ["two joined", { join: [{ header: "x-id" }, { body: "n" }] }, "h.7", ["x-id"]],
  ["joined without the second", { join: [{ body: "n" }, { body: "none" }] }, "7"],
  ["joined without the first", { join: [{ body: "none" }, { body: "n" }] }, null],
  ["joined nothing", { join: [] }, null],
  [
    "the first of a list that is there",
    [{ body: "none" }, { header: "x-none" }, { body: "n" }, { body: "a.b" }],
    "7",
  ],
  ["a list in a list", [[{ body: "none" }], [{ join: [{ body: "n" }] }]], "7"],
  ["an empty list", [], null],
  ["a function", (body) => String(Reflect.get(Object(body), "n")), "7"],
  ["a function that finds nothing", () => null, null],
  ["a function that finds an empty text", () => "", null],
];

for (const [name, from, text, headers = []] of CASES) {
  test(`${name}: ${text}`, () => {
    const found = read(from, delivery({ a: { b: "c" }, empty: "", n: 7 }, { "x-id": "h", "x-empty": "" }));
    assert.equal(found, text === null ? null : { text, headers });
  });
}

test("nothing is read where nothing is asked, and no key of what is no object", () => {
  assert.is(read(undefined, delivery({ a: 1 })), null);
  for (const value of [undefined, null, "text", 7, [], ["a"]])
    assert.is(read({ bodyKeyBut: [] }, delivery(value)), null);
});

test("headers are read under the family's names and told under the record's", () => {
  const svix: Readable = {
    ...delivery(null, { "svix-id": "msg_1" }),
    headerName: (name) => name.replace("webhook-", "svix-"),
  };
  assert.equal(read({ header: "webhook-id" }, svix), { text: "msg_1", headers: ["webhook-id"] });
});

test("all headers that may be read are named, wherever they stand", () => {
  const from: Read = [
    { header: "a" },
    { join: [{ header: "b" }, { body: "x" }] },
    [{ header: "c" }],
    () => null,
  ];
  assert.equal(headersOf(from), ["a", "b", "c"]);
  assert.equal(headersOf({ hash: "body" }), []);
  assert.equal(headersOf(undefined), []);
});

test.run();
