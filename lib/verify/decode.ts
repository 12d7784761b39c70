/**
 * The bytes of a hex text, or null where it is anything but hex.
 *
 * @param text digits and letters of either case, without spaces or a prefix
 * @param byteCount null for any number of bytes
 */
export function decodeHex(text: string, byteCount: number | null): Uint8Array | null {
  if (byteCount !== null && text.length !== byteCount * 2) return null;
  if (text.length % 2 !== 0 || !/^[0-9a-f]*$/i.test(text)) return null;
  return Buffer.from(text, "hex");
}

/**
 * The bytes of a base64 text, or null where it is anything but their one spelling: standard alphabet, padding, no
 * spaces, and no bits set that are not read (RFC 4648, sections 3.5 and 4).
 *
 * @param byteCount null for any number of bytes
 */
export function decodeBase64(text: string, byteCount: number | null): Uint8Array | null {
  if (byteCount !== null && text.length !== Math.ceil(byteCount / 3) * 4) return null;
  // The decoder skips what it does not know, so the pattern decides.
  if (!BASE64.test(text)) return null;
  const bytes = Buffer.from(text, "base64");
  return byteCount === null || bytes.length === byteCount ? bytes : null;
}

/** Groups of four; before the padding only digits whose last bits, which no byte takes, are zero. */
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}[AEIMQUYcgkosw048]=|[A-Za-z0-9+/][AQgw]==)?$/;
