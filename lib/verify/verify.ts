import { isEqualInConstantTime } from "../constant-time.ts";
import { InvalidSignatureError } from "../errors.ts";
import type { IncomingHeaders } from "../incoming.ts";
import type { Algorithm, Scheme } from "../scheme.ts";
import { decodeBase64, decodeHex } from "./decode.ts";
import { digestBytes, hmac } from "./signature.ts";

/** Why a signature does not hold. For logs and counters; the answer to the sender is the same for all. */
export type SignatureReason = "no_secret" | "missing" | "malformed" | "mismatch";

/**
 * Checks a delivery's signature as its scheme says.
 *
 * @param body the bytes as they arrived
 * @param secrets any of them may have signed; empty ones verify nothing
 * @throws {InvalidSignatureError} with a `SignatureReason`
 */
export function verifyDelivery(
  scheme: Scheme,
  headers: IncomingHeaders,
  body: Uint8Array,
  secrets: readonly string[],
): void {
  const usable = secrets.filter((secret) => secret !== "");
  if (usable.length === 0) throw refusal("no_secret");
  const text = headers.get(scheme.signature.header);
  if (text === null) throw refusal("missing");
  const algorithm = hashOf(scheme);
  const given = parseSignature(scheme.signature, text, digestBytes(algorithm));
  if (given === null) throw refusal("malformed");
  let holds = false;
  // All are tried, so that the time does not tell whether the newest or the previous secret signed.
  for (const secret of usable) holds = isEqualInConstantTime(given, hmac(algorithm, secret, body)) || holds;
  if (!holds) throw refusal("mismatch");
}

/** The signature's bytes; null for anything but one signature as the scheme spells it, so also for `a, a`. */
function parseSignature(signature: Scheme["signature"], text: string, byteCount: number): Uint8Array | null {
  const prefix = signature.prefix ?? "";
  const isPrefixed = text.startsWith(prefix);
  if (!isPrefixed && signature.prefixOptional !== true) return null;
  const spelled = isPrefixed ? text.slice(prefix.length) : text;
  return signature.encoding === "hex" ? decodeHex(spelled, byteCount) : decodeBase64(spelled, byteCount);
}

function hashOf(scheme: Scheme): Algorithm {
  return scheme.algorithm.slice("hmac-".length) as Algorithm;
}

function refusal(reason: SignatureReason): InvalidSignatureError {
  return new InvalidSignatureError(reason);
}
