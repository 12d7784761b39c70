import type { Scheme } from "../scheme.ts";

/** How most providers sign: an HMAC-SHA256 in one header. */
export type HmacSigning = Pick<Scheme, "algorithm" | "signature">;

/** In hex. */
export function hexHmac(header: string, prefix?: string): HmacSigning {
  return hmac(header, "hex", prefix);
}

/** In base64. */
export function base64Hmac(header: string, prefix?: string): HmacSigning {
  return hmac(header, "base64", prefix);
}

function hmac(header: string, encoding: "hex" | "base64", prefix: string | undefined): HmacSigning {
  return {
    algorithm: "hmac-sha256",
    signature: { header, ...(prefix === undefined ? {} : { prefix }), encoding },
  };
}
