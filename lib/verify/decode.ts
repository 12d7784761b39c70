/**
 * The bytes of a hex text, or null where it is anything but exactly `byteCount` bytes in hex.
 *
 * @param text digits and letters of either case, without spaces or a prefix
 */
export function decodeHex(text: string, byteCount: number): Uint8Array | null {
  if (text.length !== byteCount * 2 || !/^[0-9a-f]*$/i.test(text)) return null;
  return Buffer.from(text, "hex");
}

/**
 * The bytes of a base64 text, or null where it is anything but the one spelling of exactly `byteCount` bytes:
 * standard alphabet, padding, no spaces, and no bits set that are not read (RFC 4648, sections 3.5 and 4).
 */
export function decodeBase64(text: string, byteCount: number): Uint8Array | null {
  if (text.length !== Math.ceil(byteCount / 3) * 4 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) return null;
  const binary = decodeBinary(text);
  // Spelled again and compared, so that a signature has no second spelling.
  if (binary === null || binary.length !== byteCount || btoa(binary) !== text) return null;
  return Uint8Array.from(binary, (character) => character.charCodeAt(0));
}

function decodeBinary(text: string): string | null {
  try {
    return atob(text);
  } catch {
    return null;
  }
}
