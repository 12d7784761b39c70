import type { Scheme } from "../scheme.ts";
import { parseSigned } from "../verify/signed.ts";

/** True where another body could make the signature hold. */
export function readsBody({ algorithm, signed = "{body}", signature, timestamp }: Scheme): boolean {
  if (algorithm === "token") return false;
  const inBody = signature.body !== undefined || (timestamp !== undefined && "body" in timestamp.from);
  return inBody || parseSigned(signed).of.includes("body");
}

/** True where another URL could. */
export function signsUrl({ signed = "{body}" }: Scheme): boolean {
  return parseSigned(signed).of.includes("url");
}
