import type { Handshake } from "./handshake.ts";

/** Hash functions by name, as Node's and OpenSSL's `-sha256` know them. */
export type Algorithm = "sha1" | "sha256" | "sha384" | "sha512";

/**
 * What a signature is made with. `token` is no signature: the header holds the secret itself, and nothing is covered.
 * `ecdsa-p256-sha256` signatures are DER, as OpenSSL makes them.
 */
export type SignatureAlgorithm = `hmac-${Algorithm}` | "ed25519" | "ecdsa-p256-sha256" | "token";

/**
 * How a provider signs, as a record. What makes one provider differ from the next is written down here and nowhere
 * else: verifying, signing, the doctor and the documents all read it.
 */
export interface Scheme {
  /** The scheme names the algorithm; a header never does. */
  algorithm: SignatureAlgorithm;
  signature: Signature;
  /**
   * What the secret's text stands for; default `text`, its own UTF-8 bytes. `whsec` is Standard Webhooks' base64 behind
   * `whsec_` (or `whpk_` for a public key), `hex` the bytes of a public key, `spki` a public key in base64 DER.
   */
  key?: "text" | "whsec" | "hex" | "spki";
  /**
   * What is signed, from `{body}`, `{timestamp}`, `{id}`, `{url}`, `{method}` and text between them; default `{body}`.
   * A function where no template can say it.
   */
  signed?: string | Signed;
  timestamp?: Timestamp;
  /**
   * Prefixes of header names that stand for each other, such as `["webhook-", "svix-"]`: names in the record carry the
   * first. A delivery is read in one of them; what another one says does not count.
   */
  families?: readonly string[];
  /** Headers that must have exactly this value, such as the version of the signature. */
  constants?: Readonly<Record<string, string>>;
  /** The record for secrets with this prefix, where the form of the secret decides how the provider signs. */
  forSecrets?: { readonly prefix: string; readonly scheme: Scheme };
  /** The webhook_id. Without it, or when the delivery has none, the delivery is not deduplicated. */
  id?: Read;
  /** The event's type, for people and triggers. */
  type?: Read;
  /**
   * What a captured request cannot change, where its id is not signed. `body`: bodies of this provider do not repeat, so
   * one that was seen is a copy, whatever its id says. `body+type`: bodies repeat under another type, which nobody signs,
   * so one that was seen under this type is a copy. A place in the body: each value there is good for one event. All of
   * them hold as long as ids are kept. `none` is the default, for a record that extends one with a guard.
   */
  replayGuard?: "body" | "body+type" | "none" | { readonly body: string };
  /** The status and body that this provider counts as success; the default is 202 with the accept's JSON. */
  answer?: { status: 200 | 202 | 204; body?: "json" | "empty" };
  /** `empty`: the 401 has no body, because the provider describes none. */
  refusal?: "empty";
  /** Content types taken, in lower case, without parameters. Default `application/json`. */
  contentTypes?: readonly ContentType[];
  /** The largest body in bytes where this provider sends more than `MAX_BODY_BYTES`. */
  bodyBytesMax?: number;
  /** How the provider makes sure of the endpoint. Answered only where the provider has its secret. */
  handshakes?: readonly Handshake[];
  /** Keys of the body that are taken out before it is stored, because the sender may put the secret there. */
  secretKeys?: readonly string[];
}

/** A record of your own, or what differs from a built-in one: `{ extends: "paddle", timestamp: { ... } }`. */
export type SchemeOptions = Scheme | ({ extends: string } & Partial<Scheme>);

/** Where a signature stands and how it is spelled. */
export interface Signature {
  /** In lower case. Of several each may carry one signature, and any of them may hold. Or a place in the body. */
  header?: string | readonly string[];
  body?: string;
  /** Where the header is a list of `key=value`. Without it the header is one signature. */
  parts?: Parts;
  /** Text before the signature, such as `sha256=`. */
  prefix?: string;
  /** True where the prefix may be left out. */
  prefixOptional?: boolean;
  /** Hex is read in either case, because it is the same bytes; base64 in its one spelling (RFC 4648, section 4). */
  encoding: "hex" | "base64" | "text";
}

/** A header such as `t=1700000000,v1=abc,v1=def`: `{ separator: ",", assign: "=", key: "v1" }`. */
export interface Parts {
  separator: string;
  assign: string;
  /** Which entries are signatures; a record where the entry's key names one of several algorithms. */
  key: string | Readonly<Record<string, SignatureAlgorithm>>;
}

/** When the provider signed. Its text goes into the signed content as it was sent, and must have the unit's one form. */
export interface Timestamp {
  /** A header, an entry of the signature's header, or a place in the body. */
  from: { readonly header: string } | { readonly part: string } | { readonly body: string };
  /** Unix seconds of 10 digits, milliseconds of 13, or RFC 3339 with an offset. */
  unit: "s" | "ms" | "rfc3339";
  /** How far it may be off, before and after now; default 300,000 (5 min). */
  toleranceMs?: number;
}

/**
 * Where a text of the delivery stands: a header (unsigned, unless `signed` has it), a dot path in the body, the name of
 * the body's first key that is none of these, or the body's SHA-256.
 */
export type Place =
  | { readonly header: string }
  | { readonly body: string }
  | { readonly bodyKeyBut: readonly string[] }
  | { readonly hash: "body" };

/** A place; several joined with `.`, of which the first must be there; a list, of which the first that is there counts. */
export type Read = Place | { readonly join: readonly Place[] } | readonly Read[] | ReadFunction;

/** Reads a text from the parsed body. It must not throw, whatever the body is. */
export type ReadFunction = (body: unknown) => string | null;

/** A function in place of a template. */
export interface Signed {
  /** Which parts of a delivery it reads. */
  readonly of: readonly Atom[];
  /**
   * Every content that this delivery's signature may be made of; none where its parts contradict each other. It must not
   * throw, whatever the parts are.
   */
  contents(parts: SignedParts): readonly SignedChunks[];
}

/** What a template may name. */
export type Atom = "body" | "timestamp" | "id" | "url" | "method";

/** What a delivery is made of, for what is signed. Texts are as they were sent; empty where the scheme has none. */
export interface SignedParts {
  readonly method: string;
  /** The public URL that the provider calls, with its query; empty where none is known. */
  readonly url: string;
  /** In lower case, without parameters. */
  readonly contentType: string;
  readonly body: Uint8Array;
  readonly timestamp: string;
  readonly id: string;
  /** The body's value; undefined where it does not parse. */
  readonly value: unknown;
}

/** Chunks that are signed one after the other; text stands for its UTF-8. */
export type SignedChunks = readonly (string | Uint8Array)[];

/** What a body can be parsed from. */
export type ContentType =
  | "application/json"
  | "application/cloudevents+json"
  | "application/x-www-form-urlencoded";
