import { timingSafeEqual } from "node:crypto";
import { encodeText } from "./json.ts";
import { sha256 } from "./sha256.ts";

/** True for equal bytes, in a time that says nothing of where they differ. Different lengths are false at once. */
export function isEqualInConstantTime(a: Uint8Array, b: Uint8Array): boolean {
  return a.byteLength === b.byteLength && timingSafeEqual(a, b);
}

/** SHA-256 of a token's UTF-8 text, 32 bytes: what `isSameToken` compares, so that the token itself need not be kept. */
export function tokenDigest(token: string): Uint8Array {
  return sha256(encodeText(token));
}

/**
 * True where the given token has one of the digests. Digests are of one length whatever was sent, and all are
 * compared, so the time tells neither a token's length nor which of several it was.
 *
 * @param digests of `tokenDigest`
 */
export function isSameToken(given: string, digests: readonly Uint8Array[]): boolean {
  const digest = tokenDigest(given);
  let isSame = false;
  for (const other of digests) isSame = isEqualInConstantTime(digest, other) || isSame;
  return isSame;
}
