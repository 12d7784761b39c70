/** Shorter values are words that stand in many a text, and no secret. */
const SECRET_LENGTH_MIN = 6;

/** Hides secrets in a text. */
export interface SecretHider {
  (text: string): string;
  /** The length of the longest form of a secret: so much of one, less a character, may stand beside a cut. */
  readonly longest: number;
}

/**
 * Replaces secrets by `[hidden]` wherever a text has them: as they are, inside a JSON text, or in a URL's query.
 *
 * @param secrets values; those below 6 characters are left alone
 */
export function secretHider(secrets: readonly string[]): SecretHider {
  const forms = secrets
    .filter((secret) => secret.length >= SECRET_LENGTH_MIN)
    .flatMap((secret) => [
      secret,
      JSON.stringify(secret).slice(1, -1),
      new URLSearchParams([["", secret]]).toString().slice(1),
    ]);
  // The longest first, for one may be the beginning of another.
  const sorted = [...new Set(forms)].sort((a, b) => b.length - a.length);
  const hide = (text: string): string =>
    sorted.reduce((hidden, form) => hidden.replaceAll(form, "[hidden]"), text);
  return Object.assign(hide, { longest: sorted[0]?.length ?? 0 });
}
