/** Shorter values are words that stand in many a text, and no secret. */
const SECRET_LENGTH_MIN = 6;

function inJson(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}

/** As forms are sent, as people encode a part of a URL, and as a URL leaves what somebody put into its query. */
function inUrls(secret: string): string[] {
  const form = new URLSearchParams([["", secret]]).toString().slice(1);
  const url = new URL("http://localhost");
  url.search = secret;
  // Of half a character there is no encoded form.
  const part = /\p{Surrogate}/u.test(secret) ? [] : [encodeURIComponent(secret)];
  return [form, url.search.slice(1), ...part].filter((text) => text.length >= SECRET_LENGTH_MIN);
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
      return [secret, json, json.replaceAll("/", "\\/"), inJson(json), ...inUrls(secret)];
    });
  // The longest first, for one may be the beginning of another.
  const sorted = [...new Set(forms)].sort((a, b) => b.length - a.length);
  const hide = (text: string): string =>
    sorted.reduce((hidden, form) => hidden.replaceAll(form, "[hidden]"), text);
  return Object.assign(hide, { longest: sorted[0]?.length ?? 0 });
}
