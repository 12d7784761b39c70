import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { Parts } from "../../lib/scheme.ts";
import { type ParsedParts, partsReader } from "../../lib/verify/parts.ts";

const test = suite("verify/parts");

const stripe: Parts = { separator: ",", assign: "=", key: "v1" };
const standard: Parts = { separator: " ", assign: ",", key: { v1: "hmac-sha256", v1a: "ed25519" } };

function parse(text: string, parts: Parts = stripe, partKey: string | null = "t"): ParsedParts | null {
  return partsReader(parts, "hmac-sha256", partKey)(text);
}

function texts(text: string, parts: Parts = stripe): readonly string[] | null {
  return parse(text, parts)?.signatures.map((one) => `${one.algorithm} ${one.text}`) ?? null;
}

test("entries of the key are signatures in their order, and of other keys none", () => {
  assert.equal(parse("t=1,v1=a,v0=b,v1=c"), {
    signatures: [
      { text: "a", algorithm: "hmac-sha256" },
      { text: "c", algorithm: "hmac-sha256" },
    ],
    part: "1",
  });
  assert.equal(texts("v1=a,t=1"), ["hmac-sha256 a"]);
  assert.equal(texts("t=1"), []);
  assert.equal(texts("V1=a,v11=b,v=c"), []);
});

test("where the key names the algorithm, each entry has its own", () => {
  assert.equal(texts("v1,a v1a,b v2,c", standard), ["hmac-sha256 a", "ed25519 b"]);
  for (const name of ["constructor", "__proto__", "toString"]) assert.equal(texts(`${name},a`, standard), []);
});

test("a value may hold what assigns, as base64 does, and may be empty", () => {
  assert.equal(texts("t=1,v1=ab=="), ["hmac-sha256 ab=="]);
  assert.equal(texts("t=1,v1="), ["hmac-sha256 "]);
});

test("the entry that is asked for is there once or not at all", () => {
  assert.is(parse("v1=a")?.part, null);
  assert.is(parse("t=,v1=a")?.part, "");
  assert.is(parse("t=1,v1=a,t=1"), null);
  assert.is(parse("t=1,v1=a,t=2"), null);
  assert.is(parse("t=1,t=1,v1=a", stripe, null)?.part, null);
});

test("what is no such list is none", () => {
  for (const text of [
    "",
    ",",
    "a",
    "=a",
    "v1",
    "t=1,",
    ",t=1",
    "t=1,,v1=a",
    "t=1, v1=a",
    "t=1,v1=a ",
    "t =1,v1=a",
    "t=1,v1= a",
    "t=1,v1=a\t",
    "t=1,v1=a\u00A0",
  ])
    assert.is(parse(text), null, JSON.stringify(text));
  for (const text of ["v1,a, v1,b", "v1,a,v1,b", "v1,a  v1,b", " v1,a", ",a", "v1"])
    assert.is(parse(text, standard), null, text);
  for (const text of ["v1=a, v1=b", "v1=a\tv1=b", "v1=a ,v1=b"])
    assert.is(parse(text, { separator: " ", assign: "=", key: "v1" }), null, text);
});

test("twenty entries are looked at, and of one more none", () => {
  const entries = (count: number): string => Array(count).fill("v0=a").join(",");
  assert.is(parse(`${entries(19)},v1=a`)?.signatures.length, 1);
  assert.is(parse(`v1=a,${entries(20)}`), null);
  assert.is(parse(entries(1_000_000)), null);
});

test.run();
