/**
 * How a provider makes sure that an endpoint is meant to get its deliveries, or is still there. A handshake stores no
 * event and starts no run.
 */
export type Handshake =
  | EchoQuery
  | EchoBody
  | MacBody
  | PingBody
  | HeadProbe
  | PermissionRequest
  | SecretReceipt;

/** GET with a challenge in its query, which comes back as plain text. Nothing is signed. */
export interface EchoQuery {
  readonly kind: "echo-query";
  /** The parameter that holds the challenge. */
  readonly challenge: string;
  /** The parameter that holds the verify token, where the provider sends one. */
  readonly token?: string;
  /** Parameters that must have exactly this value. */
  readonly constants?: Readonly<Record<string, string>>;
}

/** A signed body with a challenge in it, which comes back as plain text. */
export interface EchoBody extends BodyPattern {
  readonly kind: "echo-body";
  /** Where the challenge stands. */
  readonly challenge: string;
}

/** A signed body with a token in it, which comes back in JSON beside its MAC in hex, by the secret that has signed. */
export interface MacBody extends BodyPattern {
  readonly kind: "mac-body";
  /** Where the token stands. */
  readonly token: string;
  /** The keys of the answer. */
  readonly answer: { readonly token: string; readonly mac: string };
}

/** A signed body that wants this answer and nothing else. Without `json` the answer is empty. */
export interface PingBody extends BodyPattern {
  readonly kind: "ping";
  readonly status: 200 | 204;
  readonly json?: Readonly<Record<string, string | number>>;
}

/** HEAD, answered with an empty 200. */
export interface HeadProbe {
  readonly kind: "head";
}

/**
 * OPTIONS with `WebHook-Request-Origin`, answered with `WebHook-Allowed-Origin` where that origin is allowed.
 * Source: the CloudEvents specification, "HTTP 1.1 Web Hooks for Event Delivery", section 4.
 */
export interface PermissionRequest {
  readonly kind: "permission";
}

/**
 * An unsigned POST with the secret itself: in a header, which comes back in the answer, or in the body. The server never
 * takes one, because anyone could send it; `latchhook receive-secret` does, once.
 */
export interface SecretReceipt {
  readonly kind: "receive-secret";
  readonly from: { readonly header: string } | { readonly body: string };
}

/** Which signed bodies are a handshake. */
export interface BodyPattern {
  /** Dot paths, each with the one value that it has, as in JSON; `[]` is the list with nothing in it. */
  readonly when: Readonly<Record<string, string | number | readonly []>>;
  /** Keys that such a body does not have. */
  readonly without?: readonly string[];
}
