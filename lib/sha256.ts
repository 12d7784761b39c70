import crypto from "node:crypto";

// In one call it costs half as much as with an object of its own in between. Node has that from 20.12 on, and an import
// of its name would end an older one.
const inOneCall: typeof crypto.hash | undefined = crypto.hash;

/** SHA-256 of some bytes, 32 of them. */
export function sha256(bytes: Uint8Array): Uint8Array {
  return inOneCall?.("sha256", bytes, "buffer") ?? crypto.createHash("sha256").update(bytes).digest();
}

/** SHA-256 of a text's UTF-8, in lower-case hex. */
export function sha256Hex(text: string): string {
  return inOneCall?.("sha256", text, "hex") ?? crypto.createHash("sha256").update(text).digest("hex");
}
