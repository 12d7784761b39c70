import { createHmac } from "node:crypto";
import type { Algorithm } from "../../lib/scheme.ts";

/** The HMAC of a body in hex, by OpenSSL and not by our own code, so that the two check each other. */
export function signature(
  body: string | Uint8Array,
  secret: string,
  algorithm: Algorithm = "sha256",
): string {
  return createHmac(algorithm, secret).update(body).digest("hex");
}
