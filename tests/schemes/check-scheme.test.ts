import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { Scheme } from "../../lib/scheme.ts";
import { checkScheme } from "../../lib/schemes/check-scheme.ts";
import { generic } from "../../lib/schemes/generic.ts";

const test = suite("schemes/check-scheme");

const least: Scheme = {
  algorithm: "hmac-sha256",
  signature: { header: "x-acme-signature", encoding: "hex" },
};

const full: Scheme = {
  algorithm: "hmac-sha512",
  signature: { header: "authorization", prefix: "HMAC=", prefixOptional: false, encoding: "base64" },
  id: { header: "x-acme-delivery" },
  type: { body: "event.type" },
  answer: { status: 200, body: "empty" },
  contentTypes: ["application/json"],
  bodyBytesMax: 25 * 1024 * 1024,
};

test("a scheme of every kind passes as it stands", () => {
  for (const scheme of [least, full, generic]) assert.equal(checkScheme("acme", scheme), scheme);
});

test("what is changed later in the record changes nothing", () => {
  const given = structuredClone(full);
  const checked = checkScheme("acme", given);
  given.signature.header = "x-other";
  assert.equal(checked, full);
});

const CASES: [name: string, scheme: unknown, message: RegExp][] = [
  ["null", null, /schemes\.acme: give \{ algorithm, signature \}/],
  ["a list", [], /schemes\.acme/],
  ["nothing in it", {}, /schemes\.acme\.algorithm/],
  ["a hash alone", { ...least, algorithm: "sha256" }, /schemes\.acme\.algorithm: give hmac-sha1, /],
  ["an unknown part", { ...least, timestamp: {} }, /schemes\.acme\.timestamp: /],
  [
    "an unknown part of the signature",
    { ...least, signature: { ...least.signature, parts: "whole" } },
    /signature\.parts/,
  ],
  ["no signature", { algorithm: "hmac-sha256" }, /schemes\.acme\.signature/],
  ["a header in capitals", signedBy({ header: "X-Acme" }), /signature\.header: .*lower case/],
  ["an empty header", signedBy({ header: "" }), /signature\.header/],
  ["a header with a colon", signedBy({ header: "x:" }), /signature\.header/],
  ["another encoding", signedBy({ encoding: "base64url" }), /signature\.encoding: give hex or base64/],
  ["an empty prefix", signedBy({ prefix: "" }), /signature\.prefix/],
  ["a prefix with a comma", signedBy({ prefix: "t=1,v1=" }), /signature\.prefix/],
  ["a prefix with a space", signedBy({ prefix: "HMAC " }), /signature\.prefix/],
  ["prefixOptional as text", signedBy({ prefixOptional: "yes" }), /signature\.prefixOptional/],
  ["an id at two places", { ...least, id: { body: "id", header: "x-id" } }, /schemes\.acme\.id/],
  ["an id nowhere", { ...least, id: {} }, /schemes\.acme\.id/],
  ["an id as a function", { ...least, id: () => "a" }, /schemes\.acme\.id/],
  ["an empty path", { ...least, id: { body: "" } }, /schemes\.acme\.id\.body/],
  ["a path with a hole", { ...least, type: { body: "a..b" } }, /schemes\.acme\.type\.body/],
  ["a credential as id", { ...least, id: { header: "authorization" } }, /never stored/],
  ["a cookie as type", { ...least, type: { header: "cookie" } }, /never stored/],
  ["the signature as id", { ...least, id: { header: "x-acme-signature" } }, /cannot be the id or the type/],
  ["a redirect as answer", { ...least, answer: { status: 301 } }, /schemes\.acme\.answer\.status/],
  ["a 204 with a body", { ...least, answer: { status: 204, body: "json" } }, /204 has no body/],
  ["a form", { ...least, contentTypes: ["application/x-www-form-urlencoded"] }, /contentTypes\.0/],
  ["no content type", { ...least, contentTypes: [] }, /contentTypes/],
  ["a body of nothing", { ...least, bodyBytesMax: 0 }, /bodyBytesMax/],
  ["a body of half a byte", { ...least, bodyBytesMax: 0.5 }, /bodyBytesMax/],
  ["a body larger than all bodies", { ...least, bodyBytesMax: 2 ** 30 }, /at most 67108864/],
];

function signedBy(changes: object): unknown {
  return { ...least, signature: { ...least.signature, ...changes } };
}

for (const [name, scheme, message] of CASES) {
  test(`${name} is refused in one line that names the place`, () => {
    const isExpected = (error: Error) =>
      error instanceof TypeError && message.test(error.message) && !error.message.includes("\n");
    assert.throws(() => checkScheme("acme", scheme), isExpected);
  });
}

test.run();
