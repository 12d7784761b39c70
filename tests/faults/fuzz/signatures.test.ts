import { createHmac } from "node:crypto";
import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { InvalidSignatureError } from "../../../lib/errors.ts";
import type { IncomingHeaders } from "../../../lib/incoming.ts";
import type { Algorithm, Scheme } from "../../../lib/scheme.ts";
import { checkScheme } from "../../../lib/schemes/check-scheme.ts";
import { decodeBase64, decodeHex } from "../../../lib/verify/decode.ts";
import { verifySignature } from "../../../lib/verify/signature.ts";
import { Verifier } from "../../../lib/verify/verify.ts";
import { anyText, bent, holds, outcomeOf } from "./holds.ts";

const test = suite("faults/fuzz/signatures");

const algorithm = fc.constantFrom<Algorithm>("sha1", "sha256", "sha384", "sha512");
const prefix = fc.oneof(fc.constantFrom("sha256=", "v1=", "="), fc.stringMatching(/^[!-+\--~]{1,8}$/));
const scheme: fc.Arbitrary<Scheme> = fc
  .record({
    algorithm,
    encoding: fc.constantFrom("hex", "base64"),
    prefix: fc.option(prefix),
    isOptional: fc.boolean(),
  })
  .map((given) => ({
    algorithm: `hmac-${given.algorithm}`,
    signature: {
      header: "x-mac",
      encoding: given.encoding,
      ...(given.prefix === null ? {} : { prefix: given.prefix, prefixOptional: given.isOptional }),
    },
  }));
const body = fc.uint8Array({ maxLength: 200 });
const secret = fc.oneof(anyText, fc.constantFrom("s3cret", "", " "));
/** What a signature is made of, and what stands around it where something is wrong. */
const piece = fc.oneof(fc.constantFrom(", ", ",", " ", "\n", "=", "==", "0x", "%", "é", "\0"), fc.string());

const BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

const headersOf = (value: string | null): IncomingHeaders => ({
  get: () => value,
  has: () => value !== null,
  keys: () => ["x-mac"],
});

/** By OpenSSL alone, so that nothing of ours decides what is right. */
function digest(of: Algorithm, key: string, bytes: Uint8Array): Buffer {
  return createHmac(of, key).update(bytes).digest();
}

/** True where a text is a signature of the body as its scheme spells it. */
function isRight(given: Scheme, text: string, bytes: Uint8Array, secrets: readonly string[]): boolean {
  const { prefix: before = "", prefixOptional, encoding } = given.signature;
  const spelled = secrets
    .filter((key) => key !== "")
    .map((key) =>
      digest(given.algorithm.slice(5) as Algorithm, key, bytes).toString(encoding as BufferEncoding),
    );
  const fits = (rest: string) => spelled.includes(encoding === "hex" ? rest.toLowerCase() : rest);
  // A text that begins with the prefix is read without it, as one reader reads it, even where it may be left out.
  if (text.startsWith(before)) return fits(text.slice(before.length));
  return prefixOptional === true && fits(text);
}

/** True where it holds; fails for anything but a refusal. */
function isHeld(given: Scheme, text: string | null, bytes: Uint8Array, secrets: readonly string[]): boolean {
  const delivery = { method: "POST", url: null, headers: headersOf(text), body: bytes };
  const { error } = outcomeOf(() => new Verifier(given, secrets).verify(delivery, 0));
  if (error !== undefined) assert.instance(error, InvalidSignatureError);
  return error === undefined;
}

test("what any of the secrets has signed holds, whatever scheme, body and secrets are", () =>
  holds(
    fc.property(
      scheme,
      body,
      fc.array(secret),
      secret,
      fc.nat(),
      fc.boolean(),
      (given, bytes, others, key, at, isBare) => {
        fc.pre(key !== "");
        const { prefix: before = "", prefixOptional = false, encoding } = given.signature;
        const spelled = digest(given.algorithm.slice(5) as Algorithm, key, bytes).toString(
          encoding as BufferEncoding,
        );
        // Bare where the text itself begins with the prefix, it would be read as prefixed.
        const mayBeBare = prefixOptional && isBare && !spelled.startsWith(before);
        const secrets = others.toSpliced(at % (others.length + 1), 0, key);
        assert.ok(isHeld(given, mayBeBare ? spelled : before + spelled, bytes, secrets));
      },
    ),
    2_000,
  ));

test("a text holds exactly where it is the signature as its scheme spells it, and never throws else", () =>
  holds(
    fc.property(
      scheme,
      body,
      fc.array(secret, { maxLength: 3 }),
      secret,
      fc.infiniteStream(piece),
      fc.nat(),
      (given, bytes, others, key, pieces, way) => {
        const { prefix: before = "", encoding } = given.signature;
        const spelled = digest(given.algorithm.slice(5) as Algorithm, key, bytes).toString(
          encoding as BufferEncoding,
        );
        const [a = "", b = ""] = [...pieces.take(2)];
        const at = way % (spelled.length + 1);
        const texts = [
          a,
          spelled,
          before + spelled,
          spelled.toUpperCase(),
          spelled.toLowerCase(),
          `${spelled}, ${spelled}`,
          a + spelled,
          spelled + b,
          before + a + spelled,
          before + spelled + b,
          before + before + spelled,
          before + spelled.slice(0, at),
          before + spelled.slice(0, at) + a + spelled.slice(at),
          before + spelled.slice(0, at) + a + spelled.slice(at + a.length),
          // Bits that base64 does not read: a second spelling of the same bytes.
          before + spelled.replace(/[^=](?==*$)/, BASE64[way % BASE64.length] ?? ""),
          digest("sha256", key, bytes).toString(encoding === "hex" ? "base64" : "hex"),
        ];
        const secrets = [...others, key];
        for (const text of texts) {
          assert.is(
            isHeld(given, text, bytes, secrets),
            isRight(given, text, bytes, secrets),
            JSON.stringify(text),
          );
        }
        assert.not.ok(isHeld(given, null, bytes, secrets));
      },
    ),
    1_000,
  ));

test("no bit of the body and no character of the secret may change", () =>
  holds(
    fc.property(
      scheme,
      fc.uint8Array({ minLength: 1, maxLength: 64 }),
      fc.string({ minLength: 1 }),
      fc.nat(),
      (given, bytes, key, bit) => {
        const { prefix: before = "", encoding } = given.signature;
        const text =
          before +
          digest(given.algorithm.slice(5) as Algorithm, key, bytes).toString(encoding as BufferEncoding);
        const flipped = Uint8Array.from(bytes);
        const at = bit % (bytes.length * 8);
        flipped[at >> 3] = (flipped[at >> 3] ?? 0) ^ (1 << (at & 7));
        assert.ok(isHeld(given, text, bytes, [key]));
        assert.not.ok(isHeld(given, text, flipped, [key]));
        assert.not.ok(isHeld(given, text, bytes.subarray(1), [key]));
        assert.not.ok(isHeld(given, text, bytes, [`${key}a`, `a${key}`]));
      },
    ),
    1_000,
  ));

test("verifySignature says yes to the hex of OpenSSL, bare or prefixed, and to nothing near it", () =>
  holds(
    fc.property(
      algorithm,
      body,
      secret,
      bent(fc.constantFrom("", "sha1=", "sha256=", "sha384=", "sha512="), fc.string()),
      piece,
      (of, bytes, key, before, after) => {
        const hex = digest(of, key, bytes).toString("hex");
        for (const text of [hex, before + hex, before + hex + after, after, hex.slice(after.length)]) {
          const rest = text.startsWith(`${of}=`) ? text.slice(of.length + 1) : text;
          assert.is(verifySignature(bytes, text, key, of), key !== "" && rest.toLowerCase() === hex, text);
        }
      },
    ),
    1_000,
  ));

test("a text has bytes only where it is their one spelling, of exactly so many", () =>
  holds(
    fc.property(
      fc.uint8Array({ maxLength: 70 }).chain((bytes) => {
        const buffer = Buffer.from(bytes);
        const texts = fc.constantFrom(
          buffer.toString("hex"),
          buffer.toString("base64"),
          buffer.toString("base64url"),
        );
        return fc.tuple(bent(texts, piece), fc.constantFrom(bytes.length, bytes.length + 1, 0, 20, 32));
      }),
      ([text, byteCount]) => {
        const hex = decodeHex(text, byteCount);
        const isHex =
          text.length === byteCount * 2 && [...text].every((one) => "0123456789abcdefABCDEF".includes(one));
        assert.is(hex === null ? null : Buffer.from(hex).toString("hex"), isHex ? text.toLowerCase() : null);
        const read = Buffer.from(text, "base64");
        const isBase64 = read.length === byteCount && read.toString("base64") === text;
        const base64 = decodeBase64(text, byteCount);
        assert.is(base64 === null ? null : Buffer.from(base64).toString("base64"), isBase64 ? text : null);
      },
    ),
    3_000,
  ));

test("a user's scheme is taken as it stands, or refused in one line that names the place", () => {
  const whole = {
    algorithm: "hmac-sha256",
    signature: { header: "x-mac", prefix: "v1=", prefixOptional: true, encoding: "hex" },
    id: { body: "event.id" },
    type: { header: "x-kind" },
    answer: { status: 200, body: "empty" },
    contentTypes: ["application/json"],
    bodyBytesMax: 1_000,
  };
  const odd = fc.oneof(
    fc.anything({ withNullPrototype: true }),
    piece,
    fc.constantFrom("x-mac", "cookie", "a.b", 0, -1, 204),
  );
  const place = fc.constantFrom("", ...Object.keys(whole));
  return holds(
    fc.property(place, fc.string(), odd, fc.boolean(), (key, inner, value, isInner) => {
      const part = Reflect.get(whole, key) as unknown;
      const changed =
        isInner && typeof part === "object" ? { ...part, [inner === "" ? "header" : inner]: value } : value;
      const given = key === "" ? value : { ...whole, [key]: changed };
      const { value: checked, error } = outcomeOf(() => checkScheme("acme", given));
      if (error !== undefined) {
        assert.instance(error, TypeError);
        assert.match(error.message, /^Cannot use schemes\.acme/);
        assert.not.match(error.message, "\n");
      } else {
        assert.equal(checked, given);
        isHeld(checked, inner, Uint8Array.of(1), ["s3cret"]);
      }
    }),
    2_000,
  );
});

test.run();
