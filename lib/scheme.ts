/** Hash functions by name, as Node's and OpenSSL's `-sha256` know them. */
export type Algorithm = "sha1" | "sha256" | "sha384" | "sha512";

/**
 * How a provider signs, as data. A scheme names the algorithm; a header never does.
 * Only what the providers have in common so far: an HMAC over the raw body, in one header.
 */
export interface Scheme {
  algorithm: `hmac-${Algorithm}`;
  signature: {
    /** Lower case. */
    header: string;
    /** Text before the signature, such as `sha256=`. */
    prefix?: string;
    /** True where the prefix may be left out. */
    prefixOptional?: boolean;
    encoding: "hex" | "base64";
  };
  /**
   * Where the webhook_id stands: a dot path in the JSON body (signed), or a header (not signed).
   * Without it, or when the delivery has none, the delivery is not deduplicated.
   */
  id?: { body: string } | { header: string };
  /** Where the event's type stands, for people and triggers. */
  type?: { body: string } | { header: string };
  /** The status and body that this provider counts as success; the default is 202 with the accept's JSON. */
  answer?: { status: 200 | 202 | 204; body?: "json" | "empty" };
  /** Content types taken, in lower case, without parameters. Default `application/json`. */
  contentTypes?: readonly ContentType[];
  /** The largest body in bytes where this provider sends more than `MAX_BODY_BYTES`. */
  bodyBytesMax?: number;
}

/** What a body can be parsed from. */
export type ContentType = "application/json";
