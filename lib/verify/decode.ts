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
  const bytes = Buffer.from(text, "base64");
  // Spelled again and compared, so that a signature has no second spelling: the decoder skips what it does not know.
  if (bytes.toString("base64") !== text) return null;
  return byteCount === null || bytes.length === byteCount ? bytes : null;
}
