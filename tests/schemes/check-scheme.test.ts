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

test("each algorithm, and each success without a body where there can be none, passes", () => {
  for (const algorithm of ["hmac-sha1", "hmac-sha256", "hmac-sha384", "hmac-sha512"] as const)
    checkScheme("acme", { ...least, algorithm });
  for (const status of [200, 202, 204] as const) {
    checkScheme("acme", { ...least, answer: { status } });
    checkScheme("acme", { ...least, answer: { status, body: "empty" } });
    if (status !== 204) checkScheme("acme", { ...least, answer: { status, body: "json" } });
  }
});

test("no header that is a credential is stored, as an id or as a type", () => {
  for (const header of ["authorization", "proxy-authorization", "cookie", "set-cookie"]) {
    for (const place of ["id", "type"])
      assert.throws(() => checkScheme("acme", { ...least, [place]: { header } }), /never stored/, header);
  }
});

const CASES: [name: string, scheme: unknown, message: RegExp][] = [
  ["null", null, /schemes\.acme: give \{ algorithm, signature \}/],
  ["a list", [], /schemes\.acme/],
  ["no id at all", { ...least, id: null }, /acme\.id: give \{ body: "event\.id" \} or \{ header: /],
  ["a path that is no text", { ...least, id: { body: 7 } }, /acme\.id: give \{ body: "event\.id" \} or /],
  ["nothing in it", {}, /schemes\.acme\.algorithm/],
  ["a hash alone", { ...least, algorithm: "sha256" }, /schemes\.acme\.algorithm: give hmac-sha256, /],
  ["an unknown part", { ...least, nonce: {} }, /schemes\.acme\.nonce: /],
  [
    "an unknown part of the signature",
    { ...least, signature: { ...least.signature, parts: "whole" } },
    /signature\.parts/,
  ],
  ["no signature", { algorithm: "hmac-sha256" }, /schemes\.acme\.signature: /],
  [
    "a text as signature",
    { ...least, signature: "hex" },
    /acme\.signature: give \{ header, encoding \} and, /,
  ],
  ["a header in capitals", signedBy({ header: "X-Acme" }), /signature\.header: .*lower case/],
  ["an empty header", signedBy({ header: "" }), /signature\.header/],
  ["a header that is no text", signedBy({ header: 7 }), /signature\.header: give a header's name$/],
  ["a header with a colon", signedBy({ header: "x:" }), /signature\.header/],
  ["another encoding", signedBy({ encoding: "base64url" }), /signature\.encoding: give hex or base64/],
  ["an empty prefix", signedBy({ prefix: "" }), /signature\.prefix: give visible ASCII without commas/],
  ["a prefix that is no text", signedBy({ prefix: 7 }), /signature\.prefix: give text such as sha256=/],
  ["a prefix with a comma", signedBy({ prefix: "t=1,v1=" }), /signature\.prefix/],
  ["a prefix that begins with a space", signedBy({ prefix: " HMAC" }), /signature\.prefix/],
  [
    "prefixOptional as text",
    signedBy({ prefixOptional: "yes" }),
    /signature\.prefixOptional: give true or false/,
  ],
  ["an id at two places", { ...least, id: { body: "id", header: "x-id" } }, /schemes\.acme\.id/],
  ["an id nowhere", { ...least, id: {} }, /schemes\.acme\.id/],
  ["an empty path", { ...least, id: { body: "" } }, /schemes\.acme\.id\.body/],
  [
    "a path with a hole",
    { ...least, type: { body: "a..b" } },
    /acme\.type\.body: give names with dots between/,
  ],
  ["a credential as id", { ...least, id: { header: "authorization" } }, /never stored/],
  ["a cookie as type", { ...least, type: { header: "cookie" } }, /never stored/],
  ["the signature as id", { ...least, id: { header: "x-acme-signature" } }, /cannot be the id or the type/],
  [
    "a redirect as answer",
    { ...least, answer: { status: 301 } },
    /acme\.answer\.status: give 200, 202 or 204/,
  ],
  ["a number as answer", { ...least, answer: 200 }, /schemes\.acme\.answer: give \{ status \} and, /],
  [
    "a page as answer",
    { ...least, answer: { status: 200, body: "html" } },
    /answer\.body: give json or empty/,
  ],
  ["a 204 with a body", { ...least, answer: { status: 204, body: "json" } }, /204 has no body/],
  ["a page", { ...least, contentTypes: ["text/html"] }, /contentTypes\.0: give application\/json/],
  ["no content type", { ...least, contentTypes: [] }, /contentTypes: give one or more, or leave it out/],
  ["a content type alone", { ...least, contentTypes: "application/json" }, /contentTypes: give a list/],
  ["a body of nothing", { ...least, bodyBytesMax: 0 }, /bodyBytesMax: give 1 or more/],
  ["a body of a text", { ...least, bodyBytesMax: "1" }, /bodyBytesMax: give a number of bytes/],
  ["a body of half a byte", { ...least, bodyBytesMax: 0.5 }, /bodyBytesMax: give a whole number of bytes/],
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
