import { createHmac } from "node:crypto";
import { isEqualInConstantTime } from "../constant-time.ts";
import { encodeText } from "../json.ts";
import type { Algorithm } from "../scheme.ts";
import { decodeHex } from "./decode.ts";

/**
 * True where `signature` is the hex HMAC of the payload under the secret. Compared in constant time.
 *
 * @param payload the body as it arrived: bytes, or text that stands for its UTF-8
 * @param signature hex of either case, with or without the algorithm's prefix, such as `sha256=`
 * @param secret UTF-8 text; an empty one verifies nothing
 * @returns false for what is malformed, too, and for the prefix of another algorithm
 * @throws {TypeError} an unknown algorithm, or a payload that is neither bytes nor text (a parsed body)
 * @example
 * ```ts
 * verifySignature(body, request.headers.get("x-hub-signature-256") ?? "", "It's a Secret to Everybody");
 * ```
 */
export function verifySignature(
  payload: Uint8Array | string,
  signature: string,
  secret: string,
  algorithm: Algorithm = "sha256",
): boolean {
  const byteCount = digestBytes(algorithm);
  if (typeof payload !== "string" && !ArrayBuffer.isView(payload)) {
    throw new TypeError(
      "Cannot verify a payload that is neither bytes nor text: give the body as it arrived",
    );
  }
  // Callers without types hand in what a missing header or variable gives.
  if (typeof signature !== "string" || typeof secret !== "string" || secret === "") return false;
  const prefix = `${algorithm}=`;
  const given = decodeHex(
    signature.startsWith(prefix) ? signature.slice(prefix.length) : signature,
    byteCount,
  );
  if (given === null) return false;
  const bytes = typeof payload === "string" ? encodeText(payload) : payload;
  return isEqualInConstantTime(given, hmac(algorithm, secret, bytes));
}

/** HMAC (RFC 2104) of the bytes, keyed with the secret's UTF-8 text. */
export function hmac(algorithm: Algorithm, secret: string, bytes: Uint8Array): Uint8Array {
  return createHmac(algorithm, secret).update(bytes).digest();
}

/**
 * How long an algorithm's result is, in bytes.
 *
 * @throws {TypeError} an unknown algorithm
 */
export function digestBytes(algorithm: Algorithm): number {
  const byteCount = DIGEST_BYTES.get(algorithm);
  if (byteCount !== undefined) return byteCount;
  throw new TypeError(
    `Cannot use ${JSON.stringify(algorithm)} as algorithm: give one of ${[...DIGEST_BYTES.keys()].join(", ")}`,
  );
}

// A Map, so that "constructor" and "__proto__" are as unknown as any other name.
const DIGEST_BYTES: ReadonlyMap<string, number> = new Map<Algorithm, number>([
  ["sha1", 20],
  ["sha256", 32],
  ["sha384", 48],
  ["sha512", 64],
]);
