import { createHmac, verify } from "node:crypto";
import { isEqualInConstantTime } from "../constant-time.ts";
import type { SignatureAlgorithm, SignedChunks } from "../scheme.ts";
import type { HmacKey, Key } from "./keys.ts";

/** A signature as it was sent, decoded; of a token its digest. */
export interface Given {
  readonly bytes: Uint8Array;
  readonly algorithm: SignatureAlgorithm;
}

/** True where any of the signatures is this key's over the chunks. */
export function holds(key: Key, chunks: SignedChunks, given: readonly Given[]): boolean {
  let isHeld = false;
  const expected = key.kind === "hmac" ? macOnce(key, chunks) : key.kind === "token" ? key.digest : null;
  for (const { bytes, algorithm } of given) {
    // Another algorithm's entry is another version, and never this key's.
    if (algorithm !== key.algorithm) continue;
    if (expected !== null) isHeld = isEqualInConstantTime(bytes, expected) || isHeld;
    else if (key.kind === "public") isHeld = holdsPublic(key, chunks, bytes) || isHeld;
  }
  return isHeld;
}

/** HMAC (RFC 2104) of the chunks. */
export function mac(key: HmacKey, chunks: SignedChunks): Uint8Array {
  return Buffer.from(macOnce(key, chunks));
}

/**
 * The same in bytes that the key's next MAC overwrites. `digest()` has memory of its own for each digest, and that costs
 * as much as hashing some hundred bytes.
 */
function macOnce({ hash, secret, room }: HmacKey, chunks: SignedChunks): Uint8Array {
  const hmac = createHmac(hash, secret);
  for (const chunk of chunks) hmac.update(chunk);
  room.write(hmac.digest("binary"), "binary");
  return room;
}

/** The chunks as one: signatures of pairs are made over the whole. */
export function joined(chunks: SignedChunks): Uint8Array {
  return Buffer.concat(chunks.map((chunk) => (typeof chunk === "string" ? Buffer.from(chunk) : chunk)));
}

function holdsPublic(key: Key & { kind: "public" }, chunks: SignedChunks, signature: Uint8Array): boolean {
  const digest = key.algorithm === "ed25519" ? null : "sha256";
  try {
    return verify(digest, joined(chunks), key.publicKey, signature);
  } catch {
    return false; // bytes that are no signature at all
  }
}
