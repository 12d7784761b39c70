import { tokenDigest } from "../constant-time.ts";
import type { IncomingHeaders } from "../incoming.ts";
import { mediaType, tryParseBody } from "../parse-body.ts";
import type { Scheme, SignatureAlgorithm, Signed, SignedParts } from "../scheme.ts";
import { decodeBase64, decodeHex } from "./decode.ts";
import { familyOf, type HeaderName, signatureHeaders } from "./families.ts";
import { type Given, holds } from "./holds.ts";
import type { Key } from "./keys.ts";
import { parseParts } from "./parts.ts";
import { headersOf, readPath } from "./read.ts";
import { signatureBytes } from "./signature-bytes.ts";
import { parseSigned } from "./signed.ts";
import { parseTimestamp, TOLERANCE_MS } from "./timestamp.ts";

/**
 * Why a signature does not hold. For logs and counters; the answer to the sender is the same for all. `no_url`: the
 * scheme signs the public URL, and none is known.
 */
export type SignatureReason = "no_secret" | "no_url" | "missing" | "malformed" | "mismatch" | "stale";

/** A delivery whose signature is to be checked. */
export interface SignedDelivery {
  readonly method: string;
  /** The public URL that the provider calls, with its query; null where none is known. */
  readonly url: string | null;
  readonly headers: IncomingHeaders;
  /** The bytes as they arrived. */
  readonly body: Uint8Array;
}

/** What a signature that holds says. */
export interface Verified {
  /** The record that it was read by: another one than the provider's where the secret's form decides. */
  readonly scheme: Scheme;
  /** Which of the secrets signed, from 0. */
  readonly secretIndex: number;
  /** When it was signed, in epoch milliseconds; null where the scheme signs no time. */
  readonly signedAt: number | null;
}

/** A key, and which of the secrets it is. */
export interface OwnKey {
  readonly key: Key;
  readonly secretIndex: number;
}

/** Signatures of one delivery that are tried; with a public key each costs as much as a hundred MACs. */
const SIGNATURES_MAX = 8;

/** An id within the signed content has no full stop, or it could take from what stands behind it. */
const SIGNED_ID = /^[!-\-/-~]{1,255}$/;

/** One record with its keys. */
export class SchemeCheck {
  readonly #scheme: Scheme;
  readonly #keys: readonly OwnKey[];
  readonly #signed: Signed;
  readonly #headers: readonly string[];
  readonly #constants: readonly (readonly [name: string, value: string])[];
  readonly #toleranceMs: number;
  /** The header of an id that is signed. */
  readonly #idHeader: string | null;
  readonly #partKey: string | null;
  readonly #signsUrl: boolean;

  constructor(scheme: Scheme, keys: readonly OwnKey[]) {
    this.#scheme = scheme;
    this.#keys = keys;
    this.#signed = parseSigned(scheme.signed ?? "{body}");
    this.#headers = signatureHeaders(scheme);
    this.#constants = Object.entries(scheme.constants ?? {});
    this.#toleranceMs = scheme.timestamp?.toleranceMs ?? TOLERANCE_MS;
    this.#idHeader = signedIdHeader(scheme);
    const from = scheme.timestamp?.from;
    this.#signsUrl = this.#signed.of.includes("url");
    this.#partKey = from !== undefined && "part" in from ? from.part : null;
  }

  /** @returns the reason where it does not hold */
  verify(delivery: SignedDelivery, now: number): Verified | SignatureReason {
    const { headers } = delivery;
    const headerName = familyOf(this.#scheme, headers);
    const parts = new DeliveryParts(delivery);
    const read = this.#readSignatures(parts, headers, headerName);
    if (typeof read === "string") return read;
    const { timestamp } = this.#scheme;
    let signedAt: number | null = null;
    if (timestamp !== undefined) {
      parts.timestamp = this.#timestampText(parts, headers, headerName, read.part);
      signedAt = parseTimestamp(parts.timestamp, timestamp.unit);
      if (signedAt === null) return "malformed";
    }
    if (this.#idHeader !== null) {
      parts.id = headers.get(headerName(this.#idHeader)) ?? "";
      if (!SIGNED_ID.test(parts.id)) return "malformed";
    }
    for (const [name, value] of this.#constants) if (headers.get(name) !== value) return "malformed";
    if (delivery.url === null && this.#signsUrl) return "no_url";
    const secretIndex = this.#findSigner(read.given, parts);
    if (secretIndex === null) return "mismatch";
    // Only now, because a time that nobody signed says nothing. Written so that no number at all is stale, too.
    if (signedAt !== null && !(Math.abs(now - signedAt) <= this.#toleranceMs)) return "stale";
    return { scheme: this.#scheme, secretIndex, signedAt };
  }

  /** The signatures that are well formed, and the entry of their header that holds the time. */
  #readSignatures(
    parts: DeliveryParts,
    headers: IncomingHeaders,
    headerName: HeaderName,
  ): { given: readonly Given[]; part: string } | SignatureReason {
    const { signature, algorithm } = this.#scheme;
    const given: Given[] = [];
    let isMissing = true;
    let part = "";
    for (const text of this.#signatureTexts(parts, headers, headerName)) {
      if (text === null) continue;
      isMissing = false;
      if (signature.parts === undefined) {
        this.#decode(text, algorithm, given);
        continue;
      }
      const parsed = parseParts(text, signature.parts, algorithm, this.#partKey);
      if (parsed === null || parsed.signatures.length > SIGNATURES_MAX) return "malformed";
      part = parsed.part ?? "";
      for (const one of parsed.signatures) this.#decode(one.text, one.algorithm, given);
    }
    if (isMissing) return "missing";
    return given.length === 0 ? "malformed" : { given, part };
  }

  #signatureTexts(
    parts: DeliveryParts,
    headers: IncomingHeaders,
    headerName: HeaderName,
  ): readonly (string | null)[] {
    const { body } = this.#scheme.signature;
    if (body !== undefined) return [readPath(parts.value, body)];
    return this.#headers.map((name) => headers.get(headerName(name)));
  }

  /** Adds one signature where it is spelled as the record spells it; so not for `a, a`. */
  #decode(text: string, algorithm: SignatureAlgorithm, given: Given[]): void {
    const { prefix = "", prefixOptional, encoding } = this.#scheme.signature;
    const isPrefixed = text.startsWith(prefix);
    if (!isPrefixed && prefixOptional !== true) return;
    const spelled = isPrefixed ? text.slice(prefix.length) : text;
    if (spelled === "") return;
    if (encoding === "text") {
      given.push({ bytes: tokenDigest(spelled), algorithm });
      return;
    }
    const byteCount = signatureBytes(algorithm);
    const bytes = encoding === "hex" ? decodeHex(spelled, byteCount) : decodeBase64(spelled, byteCount);
    if (bytes !== null) given.push({ bytes, algorithm });
  }

  #timestampText(
    parts: DeliveryParts,
    headers: IncomingHeaders,
    headerName: HeaderName,
    part: string,
  ): string {
    const from = this.#scheme.timestamp?.from;
    if (from === undefined || "part" in from) return part;
    const text = "header" in from ? headers.get(headerName(from.header)) : readPath(parts.value, from.body);
    return text ?? "";
  }

  /** All are tried, so that the time does not tell whether the newest or the previous secret signed. */
  #findSigner(given: readonly Given[], parts: SignedParts): number | null {
    let signer: number | null = null;
    for (const chunks of this.#signed.contents(parts)) {
      for (const { key, secretIndex } of this.#keys) {
        if (holds(key, chunks, given)) signer ??= secretIndex;
      }
    }
    return signer;
  }
}

/** The header of the id where `signed` names it; its name is the first that the record's `id` has. */
export function signedIdHeader(scheme: Scheme): string | null {
  const { of } = parseSigned(scheme.signed ?? "{body}");
  if (!of.includes("id")) return null;
  const [header] = headersOf(scheme.id);
  if (header !== undefined) return header;
  throw new TypeError("Cannot sign {id} without a header that holds it: give id: { header }");
}

/** A delivery's parts for what is signed; the body is parsed only where somebody asks. */
class DeliveryParts implements SignedParts {
  readonly method: string;
  readonly url: string;
  readonly body: Uint8Array;
  timestamp = "";
  id = "";
  readonly #headers: IncomingHeaders;
  #parsed: { readonly value: unknown } | null = null;

  constructor({ method, url, headers, body }: SignedDelivery) {
    this.method = method;
    this.url = url ?? "";
    this.body = body;
    this.#headers = headers;
  }

  get contentType(): string {
    return mediaType(this.#headers.get("content-type") ?? "");
  }

  get value(): unknown {
    this.#parsed ??= { value: tryParseBody(this.body, this.contentType) };
    return this.#parsed.value;
  }
}
