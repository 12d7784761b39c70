import type { Scheme, SignatureAlgorithm } from "../scheme.ts";
import { decodeHex } from "../verify/decode.ts";

/** A signature that was read more generously than the verifier reads. */
export interface Spelled {
  /** As it stands in its header. */
  readonly text: string;
  readonly form: "hex" | "base64" | "base64url" | "neither";
  /** Null where it is neither hex nor base64. */
  readonly bytes: Uint8Array | null;
  /** The algorithm that stands before it; null for none. */
  readonly named: string | null;
  /** True where more than the signature's own letters stand there: quotes, blanks, a second value. */
  readonly isDoubled: boolean;
}

/** The signature in a header's value, whatever its spelling; null where a list has no entry that is one. */
export function readSpelled({ signature }: Scheme, value: string): Spelled | null {
  const { parts } = signature;
  if (parts !== undefined) {
    const names = typeof parts.key === "string" ? [parts.key] : Object.keys(parts.key);
    for (const entry of value.split(parts.separator)) {
      const [name = "", ...rest] = entry.trim().split(parts.assign);
      if (rest.length > 0 && names.includes(name)) return spelled(rest.join(parts.assign));
    }
    return null;
  }
  return spelled(value);
}

function spelled(value: string): Spelled {
  const bare = value.trim().replace(/^(["'])(.*)\1$/s, "$2");
  const [, named = null, rest = bare] = /^(sha-?\d+|v\d+a?|hmac[\w-]*)[=,:](.+)$/i.exec(bare) ?? [];
  const text = rest.trim();
  const bytes = decodeHex(text, null);
  const isDoubled = /,/.test(text);
  const shared = { text, named: named?.toLowerCase() ?? null, isDoubled };
  // What some programs send of a signature that they do not have.
  if (/^(?:undefined|null|none|nil|nan|true|false)$/i.test(text))
    return { ...shared, form: "neither", bytes: null };
  if (bytes !== null && text !== "") return { ...shared, form: "hex", bytes };
  if (/^[A-Za-z0-9+/]+={0,2}$/.test(text))
    return { ...shared, form: "base64", bytes: Buffer.from(text, "base64") };
  if (/^[A-Za-z0-9_-]+={0,2}$/.test(text)) {
    return { ...shared, form: "base64url", bytes: Buffer.from(text, "base64url") };
  }
  return { ...shared, form: "neither", bytes: null };
}

/** The bytes as the record spells them, without its prefix. */
export function spell({ signature }: Scheme, bytes: Uint8Array): string {
  return Buffer.from(bytes).toString(signature.encoding === "hex" ? "hex" : "base64");
}

const DIGESTS: ReadonlyMap<number, SignatureAlgorithm> = new Map([
  [20, "hmac-sha1"],
  [32, "hmac-sha256"],
  [48, "hmac-sha384"],
  [64, "hmac-sha512"],
]);

/** The MAC that has so many bytes; null for none. */
export function macOf(byteCount: number): SignatureAlgorithm | null {
  return DIGESTS.get(byteCount) ?? null;
}
