/**
 * Why a signature did not hold, in words that programs may read. The documents list them with what each means.
 */
export const REJECTION_REASONS = [
  "no_secret",
  "no_signature",
  "wrong_header",
  "looks_like_provider",
  "header_unfit",
  "signature_length",
  "signature_encoding",
  "clock_skew",
  "stale",
  "other_secret",
  "secret_has_whitespace",
  "secret_encoding",
  "not_a_webhook_secret",
  "body_reserialised",
  "body_changed_in_transit",
  "body_base64",
  "charset",
  "url_mismatch",
  "form_rebuilt",
  "maybe_rotated",
  "unexplained",
  "not_examined",
] as const;

export type RejectionReason = (typeof REJECTION_REASONS)[number];

/** Figures of a diagnosis: counts, seconds, names of headers. Never a secret, a signature or a body. */
export type RejectionDetails = Readonly<Record<string, string | number | readonly string[]>>;

/** Deliveries of one provider that were refused for one reason. */
export interface Rejection {
  readonly provider: string;
  readonly reason: RejectionReason;
  /** True where it is shown, as by a signature that holds once one thing is changed; false where it is a likely guess. */
  readonly isProven: boolean;
  /** One sentence or two: what was found, and what to do next. */
  readonly advice: string;
  /** Of the last one. */
  readonly details: RejectionDetails;
  readonly count: number;
  /** Epoch milliseconds. */
  readonly firstAt: number;
  readonly lastAt: number;
  /** Of the last one; the log has it, too. */
  readonly requestId: string;
}
