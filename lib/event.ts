/**
 * A delivered event as a workflow sees it, rebuilt from what is stored, in the first attempt too.
 *
 * @typeParam B the body's type, where the provider publishes one
 */
export interface WebhookEvent<B = unknown> {
  /** `evt_...`, opaque. */
  id: string;
  provider: string;
  webhookId: string | null;
  type: string | null;
  /** The headers that are kept: content-type, user-agent, the scheme's own, and `WEBHOOK_KEEP_HEADERS`. */
  headers: Headers;
  body: B;
  /** Epoch milliseconds. */
  acceptedAt: number;
}

/** What of an event a workflow's input may be filled from, besides the body. */
export interface EventOrigin {
  readonly provider: string;
  readonly type: string | null;
  readonly webhookId: string | null;
  /** The kept headers, names in lower case. */
  readonly headers: Headers | Readonly<Record<string, string>>;
}

/** Where a webhook_id came from. It is part of the id key, so an unsigned header never takes a signed id's name. */
export type IdSource = "body" | "header" | "scheme" | "trigger" | "mark";

/**
 * What a workflow is given of an event: `inputs` of a generic body, the whole body of any other provider's. It is read
 * from the sender's own bytes each time and never stored beside them.
 */
export function inputsOf(provider: string, body: unknown): unknown {
  if (provider !== "generic") return body;
  return typeof body === "object" && body !== null ? Reflect.get(body, "inputs") : undefined;
}

/**
 * What makes two deliveries the same event: provider, id source and webhook_id.
 *
 * @param webhookId empty where the body alone decides
 * @param bodyHash given where the id is unsigned at a provider: a redelivery sends the same bytes, so nobody can take
 * an id in advance by sending it with a body of their own
 * @returns text in which no two different triples read the same, because neither provider nor source has a `:`
 */
export function idKeyOf(
  provider: string,
  source: IdSource,
  webhookId: string,
  bodyHash?: Uint8Array,
): string {
  if (bodyHash === undefined) return `${provider}:${source}:${webhookId}`;
  return `${provider}:${source}+body:${toHex(bodyHash)}:${webhookId}`;
}

/** Bytes as lower-case hex. */
export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
