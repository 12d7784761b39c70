import { generateKeyPairSync } from "node:crypto";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { encodeText } from "../../lib/json.ts";
import { builtInScheme, builtInSchemeNames } from "../../lib/schemes/mod.ts";
import { signDelivery, type Unsigned } from "../../lib/verify/sign.ts";
import { Verifier } from "../../lib/verify/verify.ts";
import { keysFor } from "../support/keys.ts";

const test = suite("verify/sign");

const AT = 1_700_000_000_000;

/** What each scheme can sign: forms where a body of JSON would need more. */
function unsignedFor(name: string): Unsigned {
  const isForm = name === "twilio";
  const body = encodeText(isForm ? "MessageSid=SM1&Body=hello+you" : '{"id":"evt_1","type":"a.b"}');
  const contentType = isForm ? "application/x-www-form-urlencoded" : "application/json";
  const url = `https://hooks.example.org/webhooks/${name}?a=1`;
  return { method: "POST", url, body, contentType, at: AT, id: "msg_1", type: null };
}

for (const name of builtInSchemeNames()) {
  test(`what is signed for ${name} holds, with its secret and at its time alone`, () => {
    const scheme = builtInScheme(name);
    assert.ok(scheme);
    const { signing, verifying, other } = keysFor(scheme);
    const unsigned = unsignedFor(name);
    const { headers, body } = signDelivery(scheme, signing, unsigned);
    const delivery = { method: "POST", url: unsigned.url, headers: new Headers(headers), body };
    const verified = new Verifier(scheme, [other, verifying]).verify(delivery, AT);
    assert.is(verified.secretIndex, 1);
    assert.is(verified.signedAt, scheme.timestamp === undefined ? null : AT);
    assert.throws(
      () => new Verifier(scheme, [other]).verify(delivery, AT),
      (error: { reason: string }) => error.reason === "mismatch",
    );
    if (scheme.timestamp === undefined) return;
    const tolerance = scheme.timestamp.toleranceMs ?? 300_000;
    for (const off of [-tolerance, tolerance]) new Verifier(scheme, [verifying]).verify(delivery, AT + off);
    for (const off of [-tolerance - 1, tolerance + 1, Number.NaN]) {
      assert.throws(
        () => new Verifier(scheme, [verifying]).verify(delivery, AT + off),
        (error: { reason: string }) => error.reason === "stale",
      );
    }
  });
}

test("Standard Webhooks' pair signs with the private key alone", () => {
  const scheme = builtInScheme("standard-webhooks");
  assert.ok(scheme);
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  const seed = privateKey.export({ format: "der", type: "pkcs8" }).subarray(-32).toString("base64");
  const open = publicKey.export({ format: "der", type: "spki" }).subarray(-32).toString("base64");
  const unsigned = unsignedFor("standard-webhooks");
  const { headers, body } = signDelivery(scheme, `whsk_${seed}`, unsigned);
  assert.match(headers["webhook-signature"] ?? "", /^v1a,/);
  const delivery = { method: "POST", url: null, headers: new Headers(headers), body };
  assert.is(new Verifier(scheme, [`whpk_${open}`]).verify(delivery, AT).signedAt, AT);
  assert.throws(
    () => signDelivery(scheme, `whpk_${open}`, unsigned),
    /a public key verifies and cannot sign/,
  );
});

test.run();
