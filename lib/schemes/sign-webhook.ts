import { encodeText } from "../json.ts";
import { mediaType } from "../parse-body.ts";
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
  url?: string | URL;
  /** Default `POST`. */
  method?: string;
  /** Default the scheme's first: JSON, but for Twilio's forms; of `URLSearchParams` a form. */
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
 * @throws {TypeError} an unknown provider or option, a secret that cannot sign, a body that is none, or a delivery that the
 *   scheme cannot sign
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
  const { at = Date.now(), id = null, type = null, url, method = "POST", contentType, ...unknown } = options;
  for (const name of Object.keys(unknown)) {
    throw new TypeError(`Cannot use option ${name}: there are at, id, type, url, method and contentType`);
  }
  if (typeof secret !== "string" || secret === "")
    throw new TypeError("Cannot sign without a secret: it is empty or no text");
  if (!Number.isFinite(at.valueOf()))
    throw new TypeError("Cannot use this at: give a Date or epoch milliseconds");
  const encoded = encodeBody(body, scheme, contentType);
  const sent = signDelivery(scheme, secret, {
    ...encoded,
    ...{ method, id, type },
    url: url === undefined ? null : String(url),
    at: Number(at),
  });
  return { method, headers: { ...sent.headers }, body: Uint8Array.from(sent.body) };
}

const FORM: ContentType = "application/x-www-form-urlencoded";

/**
 * A value as the scheme's sender writes it: of a form's fields a list is a field that stands several times.
 *
 * @param contentType default the scheme's first
 * @throws {TypeError} what is no body, or a field that is no text
 */
export function encodeBody<T extends string = ContentType>(
  body: Uint8Array | string | object,
  { contentTypes: [first = "application/json"] = [] }: Scheme,
  contentType: T | ContentType = body instanceof URLSearchParams ? FORM : first,
): { body: Uint8Array; contentType: T | ContentType } {
  if (body instanceof Uint8Array) return { body, contentType };
  if (typeof body === "string" || body instanceof URLSearchParams) {
    return { body: encodeText(String(body)), contentType };
  }
  if (typeof body !== "object" || body === null || body instanceof ArrayBuffer) {
    throw new TypeError("Cannot sign what is no body: give text, bytes as a Uint8Array, or an object");
  }
  if (mediaType(contentType) !== FORM) return { body: encodeText(JSON.stringify(body)), contentType };
  const fields = Object.entries(body).flatMap(([name, value]) =>
    [value].flat().map((one: unknown): [string, string] => [name, fieldText(name, one)]),
  );
  return { body: encodeText(String(new URLSearchParams(fields))), contentType };
}

function fieldText(name: string, value: unknown): string {
  if (typeof value !== "object") return String(value);
  throw new TypeError(`Cannot sign the form's field ${name}: give text, or a list of texts`);
}
