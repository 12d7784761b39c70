import { encodeText } from "../json.ts";
import type { ContentType, Scheme } from "../scheme.ts";
import { signDelivery } from "../verify/sign.ts";
import { schemeOf } from "./scheme-of.ts";

export interface SignOptions {
  /** When it is signed: a date or epoch milliseconds; default now. */
  at?: Date | number;
  /** For the header that holds the id; a new one by default. Where the body holds it, it is for you to put there. */
  id?: string;
  /** For the header that holds the event's type. */
  type?: string;
  /** The public URL that is called; needed where the scheme signs it. */
  url?: string;
  /** Default `POST`. */
  method?: string;
  /** Default the scheme's first: JSON, but for Twilio's forms. */
  contentType?: string;
}

/** What a provider would send; `new Request(url, signed)` takes it as it is. */
export interface SignedWebhook {
  readonly method: string;
  readonly headers: Record<string, string>;
  /** Other bytes than were given where the signature, or its time, stands in the body. */
  readonly body: Uint8Array<ArrayBuffer>;
}

/**
 * Signs a delivery as a provider would, for tests.
 *
 * @param provider a name such as `github`, or a record of your own
 * @param body bytes or text as they go over the wire, or a value: JSON, or a form's fields
 * @param secret the shared one; for a public key's provider the private one: `whsk_...`, hex of the Ed25519 seed, or
 *   base64 of PKCS #8
 * @throws {TypeError} an unknown provider, a secret that cannot sign, or a delivery that the scheme cannot sign
 * @example
 * ```ts
 * const url = "http://127.0.0.1:7862/webhooks/github";
 * const signed = signWebhook("github", { action: "opened" }, "s3cret", { type: "pull_request" });
 * const answer = await latchhook.fetch(new Request(url, signed));
 * ```
 */
export function signWebhook(
  provider: string | Scheme,
  body: Uint8Array | string | object,
  secret: string,
  options: SignOptions = {},
): SignedWebhook {
  const scheme = schemeOf(provider);
  const encoded = encodeBody(body, scheme);
  const { at = Date.now(), method = "POST" } = options;
  const sent = signDelivery(scheme, secret, {
    method,
    url: options.url ?? null,
    body: encoded.body,
    contentType: options.contentType ?? encoded.contentType,
    at: Number(at),
    id: options.id ?? null,
    type: options.type ?? null,
  });
  return { method, headers: { ...sent.headers }, body: Uint8Array.from(sent.body) };
}

const FORM: ContentType = "application/x-www-form-urlencoded";

/** A value as the scheme's sender writes it: of a form's fields a list is a field that stands several times. */
export function encodeBody(
  body: Uint8Array | string | object,
  { contentTypes = ["application/json"] }: Scheme,
): { body: Uint8Array; contentType: ContentType } {
  const [contentType = "application/json"] = contentTypes;
  if (body instanceof Uint8Array) return { body, contentType };
  if (typeof body === "string") return { body: encodeText(body), contentType };
  if (contentType !== FORM) return { body: encodeText(JSON.stringify(body)), contentType };
  const fields = Object.entries(body).flatMap(([name, value]) =>
    [value].flat().map((one): [string, string] => [name, String(one)]),
  );
  return { body: encodeText(String(new URLSearchParams(fields))), contentType };
}
