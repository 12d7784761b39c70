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

/** Where a webhook_id came from. It is part of the id key, so an unsigned header never takes a signed id's name. */
export type IdSource = "body" | "header" | "scheme" | "trigger" | "mark";
