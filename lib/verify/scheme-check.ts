import { tokenDigest } from "../constant-time.ts";
import type { SignatureReason } from "../errors.ts";
import type { IncomingHeaders } from "../incoming.ts";
import { mediaType, tryParseBody } from "../parse-body.ts";
import type { Scheme, Signature, SignatureAlgorithm, Signed, SignedParts, Timestamp } from "../scheme.ts";
import { decodeBase64, decodeHex } from "./decode.ts";
import { type HeaderName, inFamily, signatureHeaders } from "./families.ts";
import { type Given, holds } from "./holds.ts";
import type { Key } from "./keys.ts";
import { type PartsReader, partsReader } from "./parts.ts";
import { headersOf, readPath } from "./read.ts";
import { signatureBytes } from "./signature-bytes.ts";
import { parseSigned } from "./signed.ts";
import { parseTimestamp, TOLERANCE_MS } from "./timestamp.ts";

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
  /** In which family's spelling it was read. */
  readonly headerName: HeaderName;
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

/** The headers of one family, spelled as it spells them. */
interface Spelling {
  readonly headerName: HeaderName;
  readonly signature: readonly string[];
  readonly timestamp: string | null;
  readonly id: string | null;
}

/**
 * One record with its keys. What each delivery needs of the record is taken out of it once: records differ in shape, so
 * each look into one is a search by name.
 */
export class SchemeCheck {
  readonly #scheme: Scheme;
  readonly #keys: readonly OwnKey[];
  readonly #signed: Signed;
  readonly #signsUrl: boolean;
  readonly #algorithm: SignatureAlgorithm;
  readonly #spellings: readonly Spelling[];
  /** Where the signature stands in the body, and not in a header. */
  readonly #bodyPlace: string | null;
  readonly #readParts: PartsReader | null;
  readonly #prefix: string;
  readonly #prefixOptional: boolean;
  readonly #encoding: Signature["encoding"];
  readonly #constants: readonly (readonly [name: string, value: string])[];
  readonly #timestamp: Timestamp | null;
  readonly #toleranceMs: number;

  constructor(scheme: Scheme, keys: readonly OwnKey[]) {
    const { algorithm, signature, timestamp, signed = "{body}", constants } = scheme;
    const from = timestamp?.from;
    this.#scheme = scheme;
    this.#keys = keys;
    this.#signed = parseSigned(signed);
    this.#signsUrl = this.#signed.of.includes("url");
    this.#algorithm = algorithm;
    this.#spellings = spellingsOf(scheme);
    this.#bodyPlace = signature.body ?? null;
    const partKey = from !== undefined && "part" in from ? from.part : null;
    this.#readParts = signature.parts === undefined ? null : partsReader(signature.parts, algorithm, partKey);
    this.#prefix = signature.prefix ?? "";
    this.#prefixOptional = signature.prefixOptional === true;
    this.#encoding = signature.encoding;
    this.#constants = Object.entries(constants ?? {});
    this.#timestamp = timestamp ?? null;
    this.#toleranceMs = timestamp?.toleranceMs ?? TOLERANCE_MS;
  }

  /** @returns the reason where it does not hold */
  verify(delivery: SignedDelivery, now: number): Verified | SignatureReason {
    const { headers } = delivery;
    const parts = new DeliveryParts(delivery);
    const given: Given[] = [];
    const spelling = this.#readSignatures(parts, headers, given);
    if (typeof spelling === "string") return spelling;
    if (given.length === 0) return "malformed";
    let signedAt: number | null = null;
    if (this.#timestamp !== null) {
      const { from, unit } = this.#timestamp;
      if (spelling.timestamp !== null) parts.timestamp = headers.get(spelling.timestamp) ?? "";
      else if ("body" in from) parts.timestamp = readPath(parts.value, from.body) ?? "";
      signedAt = parseTimestamp(parts.timestamp, unit);
      if (signedAt === null) return "malformed";
    }
    if (spelling.id !== null) {
      parts.id = headers.get(spelling.id) ?? "";
      if (!SIGNED_ID.test(parts.id)) return "malformed";
    }
    for (const [name, value] of this.#constants) if (headers.get(name) !== value) return "malformed";
    if (delivery.url === null && this.#signsUrl) return "no_url";
    const secretIndex = this.#findSigner(given, parts);
    if (secretIndex === null) return "mismatch";
    // Only now, because a time that nobody signed says nothing. Written so that no number at all is stale, too.
    if (signedAt !== null && !(Math.abs(now - signedAt) <= this.#toleranceMs)) return "stale";
    return { scheme: this.#scheme, secretIndex, signedAt, headerName: spelling.headerName };
  }

  /**
   * Adds the signatures that are well formed. They are those of the first family of which any is there, so an id of one
   * family never goes with the signature of another.
   */
  #readSignatures(
    parts: DeliveryParts,
    headers: IncomingHeaders,
    given: Given[],
  ): Spelling | SignatureReason {
    for (const spelling of this.#spellings) {
      let isMissing = true;
      for (const name of spelling.signature) {
        const text = headers.get(name);
        if (text === null) continue;
        isMissing = false;
        if (!this.#readText(text, parts, given)) return "malformed";
      }
      if (this.#bodyPlace !== null) {
        const text = readPath(parts.value, this.#bodyPlace);
        isMissing = text === null;
        if (text !== null) this.#decode(text, this.#algorithm, given);
      }
      if (!isMissing) return spelling;
    }
    return "missing";
  }

  /** @returns false for a list that is none */
  #readText(text: string, parts: DeliveryParts, given: Given[]): boolean {
    if (this.#readParts === null) {
      this.#decode(text, this.#algorithm, given);
      return true;
    }
    const parsed = this.#readParts(text);
    if (parsed === null || parsed.signatures.length > SIGNATURES_MAX) return false;
    parts.timestamp = parsed.part ?? "";
    for (const one of parsed.signatures) this.#decode(one.text, one.algorithm, given);
    return true;
  }

  /** Adds one signature where it is spelled as the record spells it; so not for `a, a`. */
  #decode(text: string, algorithm: SignatureAlgorithm, given: Given[]): void {
    const isPrefixed = text.startsWith(this.#prefix);
    if (!isPrefixed && !this.#prefixOptional) return;
    const spelled = isPrefixed ? text.slice(this.#prefix.length) : text;
    if (spelled === "") return;
    const bytes = decode(spelled, this.#encoding, algorithm);
    if (bytes !== null) given.push({ bytes, algorithm });
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

function spellingsOf(scheme: Scheme): readonly Spelling[] {
  const headers = signatureHeaders(scheme);
  const from = scheme.timestamp?.from;
  const id = signedIdHeader(scheme);
  const { families: [first = "", ...more] = [] } = scheme;
  return [first, ...more].map((family) => {
    const spelled = (name: string): string => inFamily(name, first, family);
    return {
      headerName: spelled,
      signature: headers.map(spelled),
      timestamp: from !== undefined && "header" in from ? spelled(from.header) : null,
      id: id === null ? null : spelled(id),
    };
  });
}

function decode(
  text: string,
  encoding: Signature["encoding"],
  algorithm: SignatureAlgorithm,
): Uint8Array | null {
  if (encoding === "text") return tokenDigest(text);
  const byteCount = signatureBytes(algorithm);
  return encoding === "hex" ? decodeHex(text, byteCount) : decodeBase64(text, byteCount);
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
