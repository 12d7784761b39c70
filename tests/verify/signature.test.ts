import { suite } from "uvu";
import * as assert from "uvu/assert";
import { encodeText } from "../../lib/json.ts";
import type { Algorithm } from "../../lib/scheme.ts";
import { hmac, verifySignature } from "../../lib/verify/signature.ts";
import { signature } from "../support/sign.ts";

const test = suite("verify/signature");

const body = "Hello, World!";
const secret = "It's a Secret to Everybody";
// docs.github.com, "Validating webhook deliveries": secret, payload and signature
const signed = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";

// The cases of the RFCs whose keys are text: 1, 2 and 4.
const KEY_4 = String.fromCharCode(...Array.from({ length: 25 }, (_, at) => at + 1));
const VECTORS: [Algorithm, string, Uint8Array, string][] = (
  [
    ["\x0b".repeat(20), encodeText("Hi There")],
    ["Jefe", encodeText("what do ya want for nothing?")],
    [KEY_4, new Uint8Array(50).fill(0xcd)],
  ] as const
).flatMap(([key, data], at): [Algorithm, string, Uint8Array, string][] => {
  const [sha1 = "", sha256 = "", sha384 = "", sha512 = ""] = [
    [
      "b617318655057264e28bc0b6fb378c8ef146be00", // RFC 2202
      "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7", // RFC 4231
      "afd03944d84895626b0825f4ab46907f15f9dadbe4101ec682aa034c7cebc59cfaea9ea9076ede7f4af152e8b2fa9cb6",
      "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cdedaa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854",
    ],
    [
      "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79",
      "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
      "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649",
      "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737",
    ],
    [
      "4c9007f4026250c6bc8414f9bf50c86c2d7235da",
      "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b",
      "3e8a69b7783c25851933ab6290af6ca77a9981480850009cc5577c6e1f573b4e6801dd23c4a7d679ccf8a386c674cffb",
      "b0ba465637458c6990e5a8c5f61d4af7e576d97ff94b872de76f8050361ee3dba91ca5c11aa25eb4d679275cc5788063a5f19741120c4f2de2adebeb10a298dd",
    ],
  ][at] as string[];
  return [
    ["sha1", key, data, sha1],
    ["sha256", key, data, sha256],
    ["sha384", key, data, sha384],
    ["sha512", key, data, sha512],
  ];
});

test("the test vectors of RFC 2202 and RFC 4231 hold, and no bit of them may change", () => {
  assert.is(VECTORS.length, 12);
  for (const [algorithm, key, data, hex] of VECTORS) {
    assert.ok(verifySignature(data, hex, key, algorithm), `${algorithm} ${hex}`);
    assert.ok(verifySignature(data, `${algorithm}=${hex}`, key, algorithm));
    const other = (hex.startsWith("0") ? "1" : "0") + hex.slice(1);
    assert.not.ok(verifySignature(data, other, key, algorithm));
    assert.not.ok(verifySignature(Uint8Array.from([...data, 0]), hex, key, algorithm));
    assert.not.ok(verifySignature(data, hex, `${key} `, algorithm));
  }
});

test("GitHub's published example verifies, bare and prefixed, in either case", () => {
  for (const given of [signed, `sha256=${signed}`, signed.toUpperCase(), `sha256=${signed.toUpperCase()}`]) {
    assert.is(verifySignature(body, given, secret), true, given);
  }
});

test("bytes and the text that they spell have the same signature", () => {
  const text = "grüße 🎣";
  const hex = signature(text, "schlüssel");
  assert.ok(verifySignature(text, hex, "schlüssel"));
  assert.ok(verifySignature(encodeText(text), hex, "schlüssel"));
  assert.ok(verifySignature(Buffer.from(text), hex, "schlüssel"));
});

test("the prefix of another algorithm, a malformed text and a wrong one are false", () => {
  const cases = [
    "",
    "sha256=",
    `sha1=${signed}`,
    `sha512=${signed}`,
    `SHA256=${signed}`,
    `sha256:${signed}`,
    `sha256=sha256=${signed}`,
    ` ${signed}`,
    `${signed} `,
    `${signed}\n`,
    `${signed}, ${signed}`,
    `0x${signed}`,
    signed.slice(0, -1),
    signed.slice(0, -2),
    `${signed}00`,
    `${signed.slice(0, -1)}g`,
    Buffer.from(signed, "hex").toString("base64"),
    "__proto__",
  ];
  for (const given of cases) assert.is(verifySignature(body, given, secret), false, JSON.stringify(given));
});

test("the algorithm is the caller's: a right SHA-1 is no SHA-256", () => {
  const sha1 = signature(body, secret, "sha1");
  assert.ok(verifySignature(body, sha1, secret, "sha1"));
  assert.not.ok(verifySignature(body, sha1, secret));
  assert.not.ok(verifySignature(body, `sha1=${sha1}`, secret));
});

test("an empty secret verifies nothing, even what it signed", () => {
  assert.is(verifySignature(body, signature(body, ""), ""), false);
});

test("what a missing header or variable gives is false", () => {
  assert.is(verifySignature(body, null as unknown as string, secret), false);
  assert.is(verifySignature(body, undefined as unknown as string, secret), false);
  assert.is(verifySignature(body, signed, undefined as unknown as string), false);
});

const KNOWN = "give one of sha1, sha256, sha384, sha512";

test("an unknown algorithm throws, an inherited name too, whatever else is wrong", () => {
  for (const name of ["md5", "", "SHA256", "hmac-sha256", "__proto__", "constructor", "toString"]) {
    const isNamed = (error: Error) =>
      error instanceof TypeError && error.message.endsWith(`${JSON.stringify(name)} as algorithm: ${KNOWN}`);
    assert.throws(() => verifySignature(body, signed, secret, name as Algorithm), isNamed, name);
    assert.throws(() => verifySignature(body, "", "", name as Algorithm), isNamed, name);
  }
});

test("a parsed body throws, because it is not what was signed", () => {
  assert.throws(() => verifySignature({ a: 1 } as unknown as string, signed, secret), /as it arrived/);
});

test("an empty body has a signature", () => {
  assert.ok(verifySignature("", signature("", secret), secret));
  assert.is(hmac("sha512", secret, new Uint8Array(0)).byteLength, 64);
});

test.run();
