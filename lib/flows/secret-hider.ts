/** Shorter values are words that stand in many a text, and no secret. */
const SECRET_LENGTH_MIN = 6;

function inJson(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}

/** Hides secrets in a text. */
export interface SecretHider {
  (text: string): string;
  /** The length of the longest form of a secret: so much of one, less a character, may stand beside a cut. */
  readonly longest: number;
}

/**
 * Replaces secrets by `[hidden]` wherever a text has them: as they are, without the blanks around them, line by line,
 * inside a JSON text or one in another, or in a URL's query.
 *
 * @param secrets values; those below 6 characters are left alone
 */
export function secretHider(secrets: readonly string[]): SecretHider {
  const forms = secrets
    // What sends a header takes the blanks around its value away, and commands read line by line.
    .flatMap((secret) => [secret, ...secret.split(/[\r\n]+/).map((line) => line.trim())])
    .filter((secret) => secret.length >= SECRET_LENGTH_MIN)
    .flatMap((secret) => {
      const json = inJson(secret);
      const query = new URLSearchParams([["", secret]]).toString().slice(1);
      return [secret, json, json.replaceAll("/", "\\/"), inJson(json), query];
    });
  // The longest first, for one may be the beginning of another.
  const sorted = [...new Set(forms)].sort((a, b) => b.length - a.length);
  const hide = (text: string): string =>
    sorted.reduce((hidden, form) => hidden.replaceAll(form, "[hidden]"), text);
  return Object.assign(hide, { longest: sorted[0]?.length ?? 0 });
}
