import type { SignatureAlgorithm } from "../scheme.ts";

/** How many bytes a signature has; null where that varies, as with DER. */
export function signatureBytes(algorithm: SignatureAlgorithm): number | null {
  return SIGNATURE_BYTES[algorithm];
}

const SIGNATURE_BYTES: Readonly<Record<SignatureAlgorithm, number | null>> = {
  "hmac-sha1": 20,
  "hmac-sha256": 32,
  "hmac-sha384": 48,
  "hmac-sha512": 64,
  ed25519: 64,
  "ecdsa-p256-sha256": null,
  token: null,
};
