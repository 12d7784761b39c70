import { randomUUID, sign } from "node:crypto";
import { encodeText } from "../json.ts";
import { mediaType, parseBody, tryParseBody } from "../parse-body.ts";
import type { Scheme, SignedChunks, SignedParts } from "../scheme.ts";
import { signatureHeaders } from "./families.ts";
import { joined, mac } from "./holds.ts";
import { readSigningKey } from "./keys.ts";
import { headersOf, readPath } from "./read.ts";
import { parseSigned } from "./signed.ts";
import { formatTimestamp } from "./timestamp.ts";
import { schemeFor } from "./verify.ts";

/** What is to be signed as a provider would. */
export interface Unsigned {
  readonly method: string;
  /** The public URL that is called; needed where the scheme signs it. */
  readonly url: string | null;
  readonly body: Uint8Array;
  readonly contentType: string;
  /** Epoch milliseconds. */
  readonly at: number;
  /** For the header that holds the id; a new one where it is null. */
  readonly id: string | null;
  /** For the header that holds the event's type; null to leave it out. */
  readonly type: string | null;
}

/** A delivery as the provider would send it. */
export interface Sent {
  readonly headers: Readonly<Record<string, string>>;
  /** Other bytes than were given where the signature or its time stands in the body. */
  readonly body: Uint8Array;
}

/**
 * Signs a delivery as the scheme says.
 *
 * @param secret the shared secret; for a pair the private key: `whsk_...`, hex of the Ed25519 seed, or base64 of PKCS #8
 * @throws {TypeError} a secret that cannot sign, or a delivery that the scheme cannot sign
 */
export function signDelivery(given: Scheme, secret: string, unsigned: Unsigned): Sent {
  const scheme = schemeFor(given, secret);
  const headers: Record<string, string> = { "content-type": unsigned.contentType, ...scheme.constants };
  const [idHeader] = headersOf(scheme.id);
  const id = unsigned.id ?? randomUUID();
  if (idHeader !== undefined) headers[idHeader] = id;
  const [typeHeader] = headersOf(scheme.type);
  if (typeHeader !== undefined && unsigned.type !== null) headers[typeHeader] = unsigned.type;

  const { timestamp } = scheme;
  const time = timestamp === undefined ? "" : formatTimestamp(unsigned.at, timestamp.unit);
  if (timestamp !== undefined && "header" in timestamp.from) headers[timestamp.from.header] = time;
  const body = withFields(scheme, unsigned, time);
  const text = signatureText(scheme, secret, {
    ...unsigned,
    url: unsigned.url ?? "",
    body,
    timestamp: time,
    id,
  });
  const { signature } = scheme;
  if (signature.body !== undefined) {
    return { headers, body: withField(body, signature.body, text) };
  }
  const [header = ""] = signatureHeaders(scheme);
  headers[header] = text;
  return { headers, body };
}

/** What a body-borne time or token needs to stand in the body before it is signed. */
function withFields(scheme: Scheme, { body }: Unsigned, time: string): Uint8Array {
  let filled = body;
  const { timestamp, replayGuard } = scheme;
  if (timestamp !== undefined && "body" in timestamp.from) {
    // Milliseconds are numbers and seconds are text, as Linear and Mailgun write them.
    filled = withField(filled, timestamp.from.body, timestamp.unit === "ms" ? Number(time) : time);
  }
  if (typeof replayGuard === "object" && readPath(parse(filled), replayGuard.body) === null) {
    filled = withField(filled, replayGuard.body, randomUUID());
  }
  return filled;
}

function withField(body: Uint8Array, path: string, text: string | number): Uint8Array {
  const value = parse(body);
  const keys = path.split(".");
  const last = keys.pop() ?? "";
  let at: unknown = value;
  for (const key of keys) {
    const inner: unknown = isObject(at) && Object.hasOwn(at, key) ? at[key] : undefined;
    const next = isObject(inner) ? inner : {};
    if (isObject(at)) at[key] = next;
    at = next;
  }
  if (!isObject(value) || !isObject(at)) {
    throw new TypeError(`Cannot sign a body that is no object: the signature needs its "${path}"`);
  }
  at[last] = text;
  return encodeText(JSON.stringify(value));
}

function parse(body: Uint8Array): unknown {
  return parseBody(body, "application/json");
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

type Signing = Omit<SignedParts, "value" | "contentType"> & { readonly contentType: string };

/** The signature as its header, or its place in the body, spells it. */
function signatureText(scheme: Scheme, secret: string, signing: Signing): string {
  const { signature, timestamp } = scheme;
  const { prefix = "", parts } = signature;
  if (scheme.algorithm === "token") return prefix + secret;
  const signed = parseSigned(scheme.signed ?? "{body}");
  if (signing.url === "" && signed.of.includes("url")) {
    throw new TypeError("Cannot sign without the public URL: this scheme signs it, so give { url }");
  }
  const contentType = mediaType(signing.contentType);
  const [chunks] = signed.contents({
    ...signing,
    contentType,
    value: tryParseBody(signing.body, contentType),
  });
  if (chunks === undefined) {
    throw new TypeError("Cannot sign this delivery: its URL, content type and body do not go together");
  }
  const { bytes, algorithm } = signatureOf(scheme, secret, chunks);
  const text = prefix + Buffer.from(bytes).toString(signature.encoding === "hex" ? "hex" : "base64");
  if (parts === undefined) return text;
  const { separator, assign, key } = parts;
  const name = typeof key === "string" ? key : Object.keys(key).find((one) => key[one] === algorithm);
  const time =
    timestamp !== undefined && "part" in timestamp.from
      ? `${timestamp.from.part}${assign}${signing.timestamp}${separator}`
      : "";
  return `${time}${name}${assign}${text}`;
}

function signatureOf(
  scheme: Scheme,
  secret: string,
  chunks: SignedChunks,
): { bytes: Uint8Array; algorithm: string } {
  const key = readSigningKey(scheme, secret);
  if (key.kind === "hmac") return { bytes: mac(key, chunks), algorithm: key.algorithm };
  if (key.kind !== "private") throw new TypeError("Cannot sign with a token");
  const isEdwards = key.key.asymmetricKeyType === "ed25519";
  return {
    bytes: sign(isEdwards ? null : "sha256", joined(chunks), key.key),
    algorithm: isEdwards ? "ed25519" : "ecdsa-p256-sha256",
  };
}
