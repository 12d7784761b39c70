import { WebhookError } from "../errors.ts";
import { toHex } from "../event.ts";
import { parseBody } from "../parse-body.ts";
import type { Scheme } from "../scheme.ts";
import { sha256 } from "../sha256.ts";
import { read, readPath } from "../verify/read.ts";
import { parseSigned } from "../verify/signed.ts";
import { Verifier } from "../verify/verify.ts";
import { schemeOf } from "./scheme-of.ts";

export { InvalidSignatureError, type SignatureReason, WebhookError } from "../errors.ts";
export type { Algorithm, Scheme, SignatureAlgorithm } from "../scheme.ts";

export interface VerifyOptions {
  /** A name such as `github`, or a record of your own. */
  provider: string | Scheme;
  /** One, or several while one is being rotated: any of them may have signed. */
  secret: string | readonly string[];
  /** What time it is, for schemes that sign one: a date, epoch milliseconds, or a clock. Default the system's. */
  now?: Date | number | { now(): number };
  /** The public URL that the provider calls, with its query. Needed where the scheme signs it, and never guessed. */
  url?: string | URL;
  /** The longest body that is read; default what the scheme says, else 1 MiB. */
  bodyBytesMax?: number;
}

/** A delivery whose signature holds. Of a scheme whose secret is a token, the token was right and nothing is signed. */
export interface VerifiedWebhook<B = unknown> {
  /** The provider's own id for it; null where it has none. */
  readonly id: string | null;
  readonly type: string | null;
  /** When it was signed; null where the scheme signs no time. */
  readonly timestamp: Date | null;
  /** The bytes that were signed. */
  readonly rawBody: Uint8Array<ArrayBuffer>;
  /** The value of the JSON, or the fields of the form. */
  readonly body: B;
  /**
   * Where the id is not signed, what a captured request cannot change: remember it, and refuse what comes with it again.
   * null where the signed id, or the signed time, does as much.
   */
  readonly replayKey: string | null;
}

/**
 * Verifies a delivery, without a server and without storage. Whoever sends it again is for you to notice: by `id`, and by
 * `replayKey` where there is one.
 *
 * @param request the web's `Request`, before anything has read its body
 * @throws {InvalidSignatureError} with a `SignatureReason` as its `reason`: answer 401
 * @throws {WebhookError} `body_too_large`; `body_unreadable`: it broke off; `json_invalid`, `json_too_deep` or
 *   `form_invalid` after the signature held. Where several copies of this module may be loaded, its `code` tells it, and
 *   `signature_invalid` is that of a refused signature
 * @throws {TypeError} a mistake of the caller: no secret, an unknown provider, no URL, a body that was read before
 * @example
 * ```ts
 * export async function POST(request: Request): Promise<Response> {
 *   const event = await verifyWebhook(request, { provider: "stripe", secret: process.env.STRIPE_SECRET ?? "" });
 *   console.log(event.type, event.id);
 *   return new Response(null, { status: 204 });
 * }
 * ```
 */
export async function verifyWebhook<B = unknown>(
  request: Request,
  options: VerifyOptions,
): Promise<VerifiedWebhook<B>> {
  const { provider, secret, now, url = null, bodyBytesMax, ...unknown } = options ?? {};
  for (const name of Object.keys(unknown)) {
    throw new TypeError(`Cannot use option ${name}: there are provider, secret, now, url and bodyBytesMax`);
  }
  const given = schemeOf(provider);
  const verifier = verifierOf(given, secret);
  const calledUrl = url === null ? null : String(url);
  if (signsUrl(given) && !/^https?:\/\/./.test(String(calledUrl))) {
    throw new TypeError(
      "Cannot verify without the whole public URL, which this provider signs: give { url }",
    );
  }
  checkRequest(request);
  const rawBody = await readBytes(request, bodyBytesMax ?? given.bodyBytesMax ?? BODY_BYTES_MAX);
  const { method, headers } = request;
  const { scheme, signedAt, headerName } = verifier.verify(
    { method, url: calledUrl, headers, body: rawBody },
    instantOf(now),
  );
  const value = parseBody(rawBody, headers.get("content-type") ?? "");
  const bodyHash = (): Uint8Array => sha256(rawBody);
  const delivery = { headers, headerName, value, bodyHash };
  const type = read(scheme.type, delivery)?.text ?? null;
  return {
    id: read(scheme.id, delivery)?.text ?? null,
    type,
    timestamp: signedAt === null ? null : new Date(signedAt),
    rawBody,
    body: value as B,
    replayKey: replayKeyOf(scheme, value, type, bodyHash),
  };
}

const BODY_BYTES_MAX = 1_048_576;

/** A variable that is not set must not verify anything, and must not look like a forgery either; nor does its name as text. */
function verifierOf(scheme: Scheme, secret: string | readonly string[]): Verifier {
  const secrets: readonly unknown[] = Array.isArray(secret) ? secret : [secret];
  if (
    secrets.length === 0 ||
    !secrets.every((text) => typeof text === "string" && !/^\s*(undefined|null)?\s*$/.test(text))
  ) {
    throw new TypeError(
      "Cannot verify without a secret: it is empty or no text, so see whether its variable is set",
    );
  }
  try {
    return new Verifier(scheme, secrets as readonly string[]);
  } catch (error) {
    if (error instanceof TypeError) throw new TypeError(`Cannot use the secret: ${error.message}`);
    throw error;
  }
}

function signsUrl({ signed }: Scheme): boolean {
  return signed !== undefined && parseSigned(signed).of.includes("url");
}

/** Frameworks hand over requests of their own, or the web's after a parser has read it. */
function checkRequest(request: Request): void {
  if (typeof request?.headers?.get !== "function" || !("body" in request)) {
    throw new TypeError(
      "Cannot verify what is no Request: make one of the raw body: new Request(url, { method, headers, body: rawBody })",
    );
  }
  const { body, bodyUsed } = request;
  if (bodyUsed || body?.locked || (body !== null && typeof body?.getReader !== "function")) throw wasRead();
}

function wasRead(): TypeError {
  return new TypeError(
    "Cannot verify a body that was read already: hand the request over before a body parser has it",
  );
}

/** One buffer that doubles: a list of chunks would let a sender of single bytes hold a hundred times its body. */
async function readBytes(
  { method, headers, body }: Request,
  bytesMax: number,
): Promise<Uint8Array<ArrayBuffer>> {
  if (!Number.isSafeInteger(bytesMax) || bytesMax < 1) {
    throw new TypeError("Cannot use this bodyBytesMax: give a whole number of 1 or more");
  }
  let bytes = new Uint8Array(FIRST_BYTES);
  let length = 0;
  const reader = body?.getReader();
  try {
    for (let part = await reader?.read(); part && !part.done; part = await reader?.read()) {
      const end = length + part.value.byteLength;
      // Written so that what is not bytes, and has no length, is refused too.
      if (!(end <= bytesMax)) {
        throw new WebhookError("body_too_large", `Cannot read a body of more than ${bytesMax} bytes`);
      }
      if (end > bytes.byteLength) {
        const grown = new Uint8Array(Math.max(end, 2 * bytes.byteLength));
        grown.set(bytes);
        bytes = grown;
      }
      bytes.set(part.value, length);
      length = end;
    }
  } catch (cause) {
    void reader?.cancel().catch(() => {});
    if (cause instanceof WebhookError) throw cause;
    throw new WebhookError("body_unreadable", "Cannot read the body: it ended before it was whole", {
      cause,
    });
  }
  // Where a parser has emptied the stream beneath a new Request, the length still tells. GET and HEAD never have a body.
  const isEmptied = length === 0 && Number(headers.get("content-length")) > 0 && !/^(GET|HEAD)$/.test(method);
  if (isEmptied) throw wasRead();
  return bytes.slice(0, length);
}

const FIRST_BYTES = 4_096;

function instantOf(now: VerifyOptions["now"] = Date.now()): number {
  const instant = typeof now === "object" && now !== null && "now" in now ? now.now() : now?.valueOf();
  if (Number.isFinite(instant)) return instant;
  throw new TypeError("Cannot use this now: give a Date, epoch milliseconds or a clock");
}

function replayKeyOf(
  { replayGuard }: Scheme,
  value: unknown,
  type: string | null,
  bodyHash: () => Uint8Array,
): string | null {
  if (typeof replayGuard === "object") return readPath(value, replayGuard.body);
  if (replayGuard === undefined || replayGuard === "none") return null;
  return `sha256:${toHex(bodyHash())}${replayGuard === "body" ? "" : `:${type}`}`;
}
