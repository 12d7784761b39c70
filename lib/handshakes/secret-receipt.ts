import type { SecretReceipt } from "../handshake.ts";
import type { IncomingHeaders } from "../incoming.ts";
import { tryParseBody } from "../parse-body.ts";
import { valueAt } from "../verify/read.ts";

/** A secret that a provider has sent, and the headers that its answer must have. */
export interface ReceivedSecret {
  readonly secret: string;
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * The secret that an unsigned request brings; null where it brings none, or one that could do harm where it is printed
 * or pasted: white space, control characters, quotes, or more than 512 characters.
 */
export function readSecretReceipt(
  { from }: SecretReceipt,
  headers: IncomingHeaders,
  body: Uint8Array,
): ReceivedSecret | null {
  const secret =
    "header" in from
      ? headers.get(from.header)
      : valueAt(tryParseBody(body, headers.get("content-type") ?? ""), from.body);
  if (typeof secret !== "string" || !SECRET.test(secret)) return null;
  return { secret, headers: "header" in from ? { [from.header]: secret } : {} };
}

/** Visible ASCII without the single quote, in which it may have to be put. */
const SECRET = /^[!-&(-~]{1,512}$/;
