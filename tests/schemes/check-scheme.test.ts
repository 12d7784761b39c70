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

test("a scheme with a time, in each of its places, passes", () => {
  const parts = { separator: ",", assign: "=", key: "v1" };
  for (const scheme of [
    { ...least, timestamp: { from: { header: "x-time" }, unit: "ms" }, signed: "{body}{timestamp}" },
    { ...least, timestamp: { from: { body: "sent" }, unit: "rfc3339", toleranceMs: 1_000 } },
    {
      ...least,
      signature: { ...least.signature, parts },
      timestamp: { from: { part: "t" }, unit: "s" },
      signed: "{timestamp}.{body}",
    },
    {
      ...least,
      timestamp: { from: { header: "x-time" }, unit: "s" },
      signed: { of: ["timestamp", "body"], contents: () => [] },
    },
  ])
    assert.equal(checkScheme("acme", scheme), scheme);
});

test("a replay guard by the body, by a place in it, and none at all, pass", () => {
  for (const replayGuard of ["body", "body+type", "none", { body: "meta.token" }]) {
    const scheme = { ...least, replayGuard };
    assert.equal(checkScheme("acme", scheme), scheme);
  }
});

test("no header that is a credential is stored, as an id or as a type", () => {
  for (const header of ["authorization", "proxy-authorization", "cookie", "set-cookie"]) {
    for (const place of ["id", "type"])
      assert.throws(() => checkScheme("acme", { ...least, [place]: { header } }), /never stored/, header);
  }
});

const timed = { from: { header: "x-time" }, unit: "s" };

function timedBy(changes: object): unknown {
  return { ...least, timestamp: { ...timed, ...changes }, signed: "{timestamp}{body}" };
}

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
  ["two places of a signature", signedBy({ body: "sig" }), /acme\.signature: give \{ header, encoding \}/],
  [
    "no place of a signature",
    { ...least, signature: { encoding: "hex" } },
    /acme\.signature: give \{ header, /,
  ],
  ["no header of several", signedBy({ header: [] }), /signature\.header/],
  [
    "a token in hex",
    { ...least, algorithm: "token" },
    /the encoding "text" belongs to the algorithm "token"/,
  ],
  ["a MAC as text", signedBy({ encoding: "text" }), /the encoding "text" belongs to the algorithm "token"/],
  [
    "a pair with a text as key",
    { ...least, algorithm: "ed25519" },
    /a public key needs key: "hex" or "spki"/,
  ],
  ["a MAC with a public key", { ...least, key: "hex" }, /a public key needs key: "hex" or "spki"/],
  [
    "ECDSA in hex",
    { ...least, algorithm: "ecdsa-p256-sha256", key: "hex" },
    /a key for ECDSA needs key: "spki"/,
  ],
  ["another key", { ...least, key: "pem" }, /acme\.key: give text, whsec, hex or spki/],
  ["an unknown atom", { ...least, signed: "{host}{body}" }, /acme\.signed: Cannot sign \{host\}/],
  ["the body unsigned", { ...least, signed: "{url}" }, /acme\.signed: .*leaves the body unsigned/],
  ["an id that is signed and nowhere", { ...least, signed: "{id}{body}" }, /give id: \{ header \}/],
  ["a template that is too long", { ...least, signed: `{body}${"a".repeat(256)}` }, /acme\.signed/],
  ["a function alone", { ...least, signed: () => [] }, /acme\.signed: give a template such as/],
  [
    "a time without a place",
    { ...least, signed: "{timestamp}{body}" },
    /\{timestamp\} in signed needs timestamp/,
  ],
  ["a time that is not signed", { ...least, timestamp: timed }, /a time that is not signed proves nothing/],
  [
    "a time that a template leaves out",
    { ...least, timestamp: timed, signed: "{url}{body}" },
    /a time that is not signed proves nothing/,
  ],
  [
    "a time that a function leaves out",
    { ...least, timestamp: timed, signed: { of: ["body"], contents: () => [] } },
    /a time that is not signed proves nothing/,
  ],
  [
    "a time in an entry of no list",
    { ...least, timestamp: { from: { part: "t" }, unit: "s" }, signed: "{timestamp}{body}" },
    /timestamp\.from: \{ part \} needs signature\.parts/,
  ],
  ["a tolerance of nothing", timedBy({ toleranceMs: 0 }), /toleranceMs: give 1000 \(a second\) or more/],
  [
    "a tolerance of a month",
    timedBy({ toleranceMs: 30 * 86_400_000 }),
    /toleranceMs: give at most 604800000/,
  ],
  ["a tolerance of no number", timedBy({ toleranceMs: Number.NaN }), /toleranceMs: give/],
  ["another unit", timedBy({ unit: "us" }), /timestamp\.unit: give s, ms or rfc3339/],
  ["one family", { ...least, families: ["a-"] }, /acme\.families: give two or more/],
  ["no key of the parts", signedBy({ parts: { separator: ",", assign: "=", key: {} } }), /give one or more/],
  [
    "a letter between parts",
    signedBy({ parts: { separator: "a", assign: "=", key: "v1" } }),
    /give a character/,
  ],
  [
    "a guard at two places",
    { ...least, replayGuard: { body: "a", header: "b" } },
    /acme\.replayGuard: give "body", "body\+type", "none", or a place in the body/,
  ],
  [
    "a guard that is switched",
    { ...least, replayGuard: true },
    /acme\.replayGuard: give "body", "body\+type", "none"/,
  ],
  ["a full refusal", { ...least, refusal: "json" }, /acme\.refusal: give empty, or leave it out/],
  ["a secret for no scheme", { ...least, forSecrets: { prefix: "a" } }, /acme\.forSecrets/],
  [
    "a scheme for a secret that is none",
    { ...least, forSecrets: { prefix: "a", scheme: {} } },
    /forSecrets\.scheme\./,
  ],
  ["a secret key that is no text", { ...least, secretKeys: [7] }, /secretKeys\.0: give a key of the body/],
  ["lists that are too deep", { ...least, id: [[[[[[{ body: "id" }]]]]]] }, /acme\.id/],
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
