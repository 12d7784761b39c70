import { suite } from "uvu";
import * as assert from "uvu/assert";
import { InvalidSignatureError } from "../../lib/errors.ts";
import { encodeText } from "../../lib/json.ts";
import type { Scheme } from "../../lib/scheme.ts";
import { generic } from "../../lib/schemes/generic.ts";
import type { Verified } from "../../lib/verify/scheme-check.ts";
import { Verifier } from "../../lib/verify/verify.ts";
import { signature } from "../support/sign.ts";

const test = suite("verify/verify");

const body = encodeText('{"workflow_name":"test"}');
const secret = "s3cret";
const NOW = 1_700_000_000_000;
const hex = signature(body, secret);
const base64 = Buffer.from(hex, "hex").toString("base64");

const github: Scheme = {
  algorithm: "hmac-sha256",
  signature: { header: "x-hub-signature-256", prefix: "sha256=", encoding: "hex" },
};
const shopify: Scheme = {
  algorithm: "hmac-sha256",
  signature: { header: "x-shopify-hmac-sha256", encoding: "base64" },
};
const intercom: Scheme = {
  algorithm: "hmac-sha1",
  signature: { header: "x-hub-signature", prefix: "sha1=", encoding: "hex" },
};

function verify(scheme: Scheme, headers: Headers, secrets: readonly string[] = [secret]): Verified {
  return new Verifier(scheme, secrets).verify({ method: "POST", url: null, headers, body }, NOW);
}

/** How it ended: `holds`, or the reason of the refusal. */
function outcome(scheme: Scheme, given: string | null, secrets: readonly string[] = [secret]): string {
  const headers = new Headers(given === null ? {} : { [String(scheme.signature.header)]: given });
  try {
    verify(scheme, headers, secrets);
    return "holds";
  } catch (error) {
    if (error instanceof InvalidSignatureError) return error.reason;
    throw error;
  }
}

const wrong = signature(body, "another");
const CASES: [name: string, scheme: Scheme, given: string | null, expected: string][] = [
  ["generic, bare", generic, hex, "holds"],
  ["generic, prefixed", generic, `sha256=${hex}`, "holds"],
  ["generic, upper case", generic, hex.toUpperCase(), "holds"],
  ["generic, base64", generic, base64, "malformed"],
  ["generic, no header", generic, null, "missing"],
  ["generic, empty header", generic, "", "malformed"],
  ["generic, prefix alone", generic, "sha256=", "malformed"],
  ["generic, another algorithm's prefix", generic, `sha1=${hex}`, "malformed"],
  ["generic, header sent twice", generic, `${hex}, ${hex}`, "malformed"],
  ["generic, cut", generic, hex.slice(2), "malformed"],
  ["generic, wrong", generic, wrong, "mismatch"],
  ["github, prefixed", github, `sha256=${hex}`, "holds"],
  ["github, the prefix is required", github, hex, "malformed"],
  ["shopify", shopify, base64, "holds"],
  ["shopify, hex", shopify, hex, "malformed"],
  ["shopify, without padding", shopify, base64.replace("=", ""), "malformed"],
  ["shopify, header sent twice", shopify, `${base64}, ${base64}`, "malformed"],
  ["shopify, wrong", shopify, Buffer.from(wrong, "hex").toString("base64"), "mismatch"],
  ["intercom", intercom, `sha1=${signature(body, secret, "sha1")}`, "holds"],
  ["intercom, SHA-256", intercom, `sha1=${hex}`, "malformed"],
];

for (const [name, scheme, given, expected] of CASES) {
  test(`${name}: ${expected}`, () => {
    assert.is(outcome(scheme, given), expected);
  });
}

test("a header that really is sent twice is malformed, even with the right value", () => {
  const headers = new Headers([
    ["x-signature", hex],
    ["X-Signature", hex],
  ]);
  const isMalformed = (error: InvalidSignatureError) => error.reason === "malformed";
  assert.throws(() => verify(generic, headers), isMalformed);
});

test("any of several secrets may have signed", () => {
  for (const secrets of [
    [secret, "new", "newer"],
    ["new", secret, "newer"],
    ["new", "newer", secret],
  ]) {
    assert.is(outcome(generic, hex, secrets), "holds", String(secrets));
  }
  assert.is(outcome(generic, hex, ["new", "newer"]), "mismatch");
});

test("without a secret nothing holds, and an empty one counts as none", () => {
  assert.is(outcome(generic, hex, []), "no_secret");
  assert.is(outcome(generic, signature(body, ""), [""]), "no_secret");
  assert.is(outcome(generic, null, []), "no_secret");
  assert.is(outcome(generic, hex, ["", secret]), "holds");
});

test("all refusals say the same, so that the sender learns nothing", () => {
  const messages = new Set<string>();
  for (const [given, secrets] of [
    [null, [secret]],
    ["x", [secret]],
    [wrong, [secret]],
    [hex, []],
  ] as const) {
    try {
      verify(generic, new Headers(given === null ? {} : { "x-signature": given }), secrets);
    } catch (error) {
      messages.add(`${(error as InvalidSignatureError).code} ${(error as Error).message}`);
    }
  }
  assert.is(messages.size, 1);
});

test.run();
