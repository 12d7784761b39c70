import { createHmac } from "node:crypto";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { encodeText } from "../../lib/json.ts";
import type { Scheme } from "../../lib/scheme.ts";
import { readKey } from "../../lib/verify/keys.ts";
import { SchemeCheck, signedIdHeader, type Verified } from "../../lib/verify/scheme-check.ts";
import { signatureBytes } from "../../lib/verify/signature-bytes.ts";

const test = suite("verify/scheme-check");

const NOW = 1_793_606_400_000;
const body = '{"sent_at":1793606400,"sig":"x"}';

const scheme: Scheme = {
  algorithm: "hmac-sha256",
  signature: { header: "x-signature", parts: { separator: ",", assign: "=", key: "v1" }, encoding: "hex" },
  timestamp: { from: { part: "t" }, unit: "s" },
  signed: "{timestamp}.{body}",
};

function hex(content: string, secret = "s"): string {
  return createHmac("sha256", secret).update(content).digest("hex");
}

function check(
  record: Scheme,
  headers: Record<string, string>,
  given: { secrets?: readonly string[]; url?: string | null; now?: number; body?: string } = {},
): Verified | string {
  const keys = (given.secrets ?? ["s"]).map((text, secretIndex) => ({
    key: readKey(record, text),
    secretIndex,
  }));
  const delivery = {
    method: "POST",
    url: given.url ?? null,
    headers: new Headers({ "content-type": "application/json", ...headers }),
    body: encodeText(given.body ?? body),
  };
  return new SchemeCheck(record, keys).verify(delivery, given.now ?? NOW);
}

const right = `t=1793606400,v1=${hex(`1793606400.${body}`)}`;

test("what holds says by which record, which secret and when", () => {
  const headers = { "x-signature": right };
  for (const [secrets, secretIndex] of [
    [["s"], 0],
    [["a", "b", "s"], 2],
    [["s", "s"], 0],
  ] as const) {
    const { headerName, ...verified } = check(scheme, headers, { secrets }) as Verified;
    assert.equal(verified, { scheme, secretIndex, signedAt: NOW });
    assert.is(headerName("x-id"), "x-id");
  }
});

test("a delivery is read in the first family of which it has a signature, and in no other's headers", () => {
  const record: Scheme = {
    algorithm: "hmac-sha256",
    signature: { header: "a-signature", encoding: "hex" },
    families: ["a-", "b-"],
    timestamp: { from: { header: "a-time" }, unit: "s" },
    signed: "{id}.{timestamp}.{body}",
    id: { header: "a-id" },
  };
  const held = hex(`1.1793606400.${body}`);
  const b = { "b-signature": held, "b-time": "1793606400", "b-id": "1" };
  assert.is((check(record, b) as Verified).headerName("a-id"), "b-id");
  assert.is(check(record, { ...b, "a-id": "2", "a-time": "1793600000" }) instanceof Object, true);
  assert.is(check(record, { ...b, "a-signature": held }), "malformed");
  assert.is(check(record, { "b-signature": held, "a-time": "1793606400", "a-id": "1" }), "malformed");
  assert.is(check(record, { "a-id": "1", "a-time": "1793606400" }), "missing");
});

test("the reason is the first thing that is wrong, and the time comes last", () => {
  const late = NOW + 300_001;
  for (const [header, given, reason] of [
    [null, {}, "missing"],
    ["", {}, "malformed"],
    ["v1=00", {}, "malformed"],
    [right.replace("t=", "t=0"), { now: late }, "malformed"],
    [right, { secrets: ["t"], now: late }, "mismatch"],
    [right, { secrets: [] }, "mismatch"],
    [right, { now: late }, "stale"],
    [right, { now: NOW - 300_001 }, "stale"],
    [right, { now: Number.NaN }, "stale"],
  ] as const)
    assert.is(check(scheme, header === null ? {} : { "x-signature": header }, given), reason, `${header}`);
  const withUrl: Scheme = { ...scheme, signed: "{timestamp}.{url}{body}" };
  assert.is(check(withUrl, { "x-signature": right }), "no_url");
  assert.is(check(withUrl, { "x-signature": right }, { url: "https://a.example" }), "mismatch");
});

test("a time in the body is read there, and only once the body is known to be the sender's", () => {
  const timed: Scheme = {
    algorithm: "hmac-sha256",
    signature: { header: "x-signature", encoding: "hex" },
    timestamp: { from: { body: "sent_at" }, unit: "s", toleranceMs: 1_000 },
  };
  assert.is((check(timed, { "x-signature": hex(body) }) as Verified).signedAt, NOW);
  assert.is(check(timed, { "x-signature": hex(body) }, { now: NOW + 1_001 }), "stale");
  assert.is(check(timed, { "x-signature": hex("{}") }, { now: NOW + 1_001 }), "mismatch");
  for (const without of ["{}", "", "no JSON", '{"sent_at":"soon"}', '{"sent_at":1.5}', '{"sent_at":null}'])
    assert.is(check(timed, { "x-signature": hex(without) }, { body: without }), "malformed", without);
});

test("a signature in the body is text there and nothing else", () => {
  const inBody: Scheme = {
    algorithm: "hmac-sha256",
    signature: { body: "sig", encoding: "hex" },
    timestamp: { from: { body: "sent_at" }, unit: "s" },
    signed: { of: ["timestamp"], contents: ({ timestamp }) => [[timestamp]] },
  };
  const own = (sig: unknown): string => JSON.stringify({ sent_at: 1_793_606_400, sig });
  assert.ok(typeof check(inBody, {}, { body: own(hex("1793606400")) }) === "object");
  assert.is(check(inBody, {}, { body: own([hex("1793606400")]) }), "missing");
  assert.is(check(inBody, {}, { body: own("") }), "malformed");
  assert.is(check(inBody, {}, { body: own(7) }), "malformed");
  assert.is(check(inBody, { sig: hex("1793606400") }, { body: own(null) }), "missing");
});

test("of several contents each may be the signed one, and of none no signature holds", () => {
  const several = (...contents: string[]): Scheme => ({
    algorithm: "hmac-sha256",
    signature: { header: "x-signature", encoding: "hex" },
    signed: { of: ["body"], contents: () => contents.map((text) => [text]) },
  });
  for (const text of ["a", "b"])
    assert.ok(typeof check(several("a", "b"), { "x-signature": hex(text) }) === "object", text);
  assert.is(check(several("a", "b"), { "x-signature": hex("ab") }), "mismatch");
  assert.is(check(several(), { "x-signature": hex("") }), "mismatch");
});

test("an id that is signed is visible ASCII without a full stop, of 255 characters at most", () => {
  const identified: Scheme = {
    algorithm: "hmac-sha256",
    signature: { header: "x-signature", encoding: "hex" },
    id: [{ header: "x-id" }, { body: "id" }],
    signed: "{id}.{body}",
  };
  for (const [id, holds] of [
    ["msg_1", true],
    ["!~-/", true],
    ["a".repeat(255), true],
    ["a".repeat(256), false],
    ["a.b", false],
    [".", false],
    ["a b", false],
    ["a\tb", false],
    ["é", false],
    ["", false],
  ] as const) {
    const headers = { "x-id": id, "x-signature": hex(`${id}.${body}`) };
    assert.is(typeof check(identified, headers) === "object", holds, JSON.stringify(id));
  }
  assert.is(check(identified, { "x-signature": hex(`.${body}`) }), "malformed");
  assert.is(signedIdHeader(identified), "x-id");
});

test("an id is signed only where the record says so, and then needs a header", () => {
  assert.is(signedIdHeader(scheme), null);
  assert.throws(
    () => signedIdHeader({ ...scheme, signed: "{id}{body}", id: { body: "id" } }),
    /give id: \{ header \}/,
  );
  assert.throws(() => new SchemeCheck({ ...scheme, signed: "{id}{body}" }, []), /give id: \{ header \}/);
});

test("constants are what they are, to the letter", () => {
  const constant: Scheme = { ...scheme, constants: { "x-version": "1" } };
  const headers = { "x-signature": right };
  assert.ok(typeof check(constant, { ...headers, "x-version": "1" }) === "object");
  for (const version of ["2", "01", "1.0", "1, 1", ""])
    assert.is(check(constant, { ...headers, "x-version": version }), "malformed", version);
  assert.is(check(constant, headers), "malformed");
});

test("each algorithm's signature has its length, but DER and tokens", () => {
  assert.equal(
    (
      [
        "hmac-sha1",
        "hmac-sha256",
        "hmac-sha384",
        "hmac-sha512",
        "ed25519",
        "ecdsa-p256-sha256",
        "token",
      ] as const
    ).map(signatureBytes),
    [20, 32, 48, 64, 64, null, null],
  );
});

test("eight signatures are tried, and of one more none", () => {
  const wrong = `v1=${"0".repeat(64)}`;
  const list = (count: number): string => [...Array(count).fill(wrong), right].join(",");
  assert.ok(typeof check(scheme, { "x-signature": list(7) }) === "object");
  assert.is(check(scheme, { "x-signature": list(8) }), "malformed");
});

test.run();
