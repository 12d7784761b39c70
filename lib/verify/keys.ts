import { createPrivateKey, createPublicKey, createSecretKey, type KeyObject } from "node:crypto";
import { tokenDigest } from "../constant-time.ts";
import type { Scheme, SignatureAlgorithm } from "../scheme.ts";
import { decodeBase64, decodeHex } from "./decode.ts";
import { signatureBytes } from "./signature-bytes.ts";

/** What a secret's text stands for. */
export type Key =
  | HmacKey
  | { readonly kind: "public"; readonly algorithm: SignatureAlgorithm; readonly publicKey: KeyObject }
  | { readonly kind: "token"; readonly algorithm: SignatureAlgorithm; readonly digest: Uint8Array };

export interface HmacKey {
  readonly kind: "hmac";
  readonly algorithm: SignatureAlgorithm;
  readonly hash: string;
  readonly secret: KeyObject;
  /** Where its MACs are written, one over the other. */
  readonly room: Buffer;
}

/** Standard Webhooks: a shared secret has 24 to 64 bytes. Others verify too, and are warned of. */
export const WHSEC_BYTES: { readonly min: number; readonly max: number } = { min: 24, max: 64 };

/**
 * The key that a secret's text stands for under a scheme.
 *
 * @throws {TypeError} text that is empty or not in the scheme's form, without any of it
 */
export function readKey(scheme: Scheme, text: string): Key {
  if (text === "") throw new TypeError("it is empty");
  const { algorithm } = scheme;
  if (algorithm === "token") return { kind: "token", algorithm, digest: tokenDigest(text) };
  if (scheme.key === "whsec") return readWhsec(text, algorithm);
  if (algorithm === "ed25519" || algorithm === "ecdsa-p256-sha256") {
    return { kind: "public", algorithm, publicKey: readPublicKey(scheme, text) };
  }
  return hmacKey(algorithm, Buffer.from(text));
}

/**
 * The key to sign with: for a shared secret the same, for a pair the private half.
 *
 * @throws {TypeError} text that is not in the scheme's form, or a public key, which cannot sign
 */
export function readSigningKey(scheme: Scheme, text: string): Key | { kind: "private"; key: KeyObject } {
  const isPair = scheme.algorithm === "ed25519" || scheme.algorithm === "ecdsa-p256-sha256";
  if (text.startsWith("whsk_") && scheme.key === "whsec") return { kind: "private", key: readWhsk(text) };
  if (isPair) return { kind: "private", key: readPrivateKey(scheme, text) };
  const key = readKey(scheme, text);
  if (key.kind === "public")
    throw new TypeError("a public key verifies and cannot sign: give the private key");
  return key;
}

/** DER around the 32 raw bytes of an Ed25519 key (RFC 8410): what comes before them is always the same. */
const ED25519_SPKI = "302a300506032b6570032100";
const ED25519_PKCS8 = "302e020100300506032b657004220420";
const ED25519_BYTES = 32;

/**
 * Standard Webhooks: `whsec_` and base64 of a shared secret, or `whpk_` and base64 of an Ed25519 public key. Some senders
 * show it with `v1,` or `v1a,` before it, and some without a prefix. A public key must never key an HMAC, because everyone knows it.
 */
function readWhsec(given: string, algorithm: SignatureAlgorithm): Key {
  const text = given.replace(/^v1a?,/, "");
  if (text.startsWith("whpk_")) {
    const raw = decodeBase64(text.slice("whpk_".length), ED25519_BYTES);
    if (raw === null) throw new TypeError(`after "whpk_" it needs the base64 of ${ED25519_BYTES} bytes`);
    return { kind: "public", algorithm: "ed25519", publicKey: ed25519Public(raw) };
  }
  if (text.startsWith("whsk_")) {
    throw new TypeError('it is a private key: give the public one, "whpk_..."');
  }
  const bytes = decodeBase64(text.replace(/^whsec_/, ""), null);
  if (bytes === null || bytes.length === 0) {
    throw new TypeError('it is not "whsec_" and base64: copy it whole, as the provider shows it');
  }
  return hmacKey(algorithm.startsWith("hmac-") ? algorithm : "hmac-sha256", bytes);
}

/** As a key object: a text or bytes would be read into one for each delivery. */
function hmacKey(algorithm: SignatureAlgorithm, bytes: Uint8Array): Key {
  const room = Buffer.alloc(signatureBytes(algorithm) ?? 0);
  return {
    kind: "hmac",
    algorithm,
    hash: algorithm.slice("hmac-".length),
    secret: createSecretKey(bytes),
    room,
  };
}

function readWhsk(text: string): KeyObject {
  const raw = Buffer.from(text.slice("whsk_".length), "base64");
  // Some hold the public half behind the seed.
  if (raw.length !== ED25519_BYTES && raw.length !== 2 * ED25519_BYTES) {
    throw new TypeError(`after "whsk_" it needs the base64 of ${ED25519_BYTES} bytes`);
  }
  return ed25519Private(raw.subarray(0, ED25519_BYTES));
}

function readPublicKey(scheme: Scheme, text: string): KeyObject {
  if (scheme.key === "hex") {
    const raw = decodeHex(text, ED25519_BYTES);
    if (raw === null) throw notPublic();
    return ed25519Public(raw);
  }
  const der = decodeBase64(text.replace(/-----[A-Z ]+-----|\s/g, ""), null);
  try {
    const key = createPublicKey({ key: der as Buffer, format: "der", type: "spki" });
    const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key;
    const isP256 = type === "ec" && details?.namedCurve === "prime256v1";
    if (scheme.algorithm === "ed25519" ? type === "ed25519" : isP256) return key;
  } catch {
    // The parser's message may quote what it read.
  }
  throw notPublic();
}

function notPublic(): TypeError {
  return new TypeError("it is not a public key: copy it whole, as the provider shows it");
}

function readPrivateKey(scheme: Scheme, text: string): KeyObject {
  const seed = scheme.key === "hex" ? decodeHex(text, ED25519_BYTES) : null;
  if (seed !== null) return ed25519Private(seed);
  const der = decodeBase64(text.replace(/-----[A-Z ]+-----|\s/g, ""), null);
  try {
    return createPrivateKey({ key: der as Buffer, format: "der", type: "pkcs8" });
  } catch {
    throw new TypeError("it is not a private key: give hex of an Ed25519 seed, or base64 of PKCS #8");
  }
}

function ed25519Public(raw: Uint8Array): KeyObject {
  return createPublicKey({ key: inDer(ED25519_SPKI, raw), format: "der", type: "spki" });
}

function ed25519Private(seed: Uint8Array): KeyObject {
  return createPrivateKey({ key: inDer(ED25519_PKCS8, seed), format: "der", type: "pkcs8" });
}

function inDer(before: string, raw: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(before, "hex"), raw]);
}
