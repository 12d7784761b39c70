/** The longest wait that is honoured, in seconds. */
export const WAIT_SECONDS_MAX = 60;

/**
 * The seconds of `Prefer: wait=N`.
 *
 * @param prefer the header as `Headers.get` has it, several joined by commas
 * @returns 1 to 60, a longer wait cut; null where there is none, or where the first one is 0 or malformed
 * @see https://www.rfc-editor.org/rfc/rfc7240#section-2 names in any case, the first of a name counts
 */
export function parseWaitSeconds(prefer: string | null): number | null {
  if (prefer === null) return null;
  for (const preference of splitUnquoted(prefer, ",")) {
    // What follows a semicolon are parameters of the preference, and `wait` has none.
    const [pair = ""] = splitUnquoted(preference, ";");
    const equals = pair.indexOf("=");
    const name = equals === -1 ? pair : pair.slice(0, equals);
    if (name.trim().toLowerCase() !== "wait") continue;
    return equals === -1 ? null : parseSeconds(pair.slice(equals + 1).trim());
  }
  return null;
}

function parseSeconds(word: string): number | null {
  const digits = /^(?:(\d+)|"(\d+)")$/.exec(word);
  if (digits === null) return null;
  const seconds = Math.min(Number(digits[1] ?? digits[2]), WAIT_SECONDS_MAX);
  return seconds === 0 ? null : seconds;
}

/** The parts between separators that stand outside of quoted strings. */
function splitUnquoted(text: string, separator: string): string[] {
  const parts: string[] = [];
  let start = 0;
  let isQuoted = false;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (isQuoted && character === "\\") at++;
    else if (character === '"') isQuoted = !isQuoted;
    else if (!isQuoted && character === separator) {
      parts.push(text.slice(start, at));
      start = at + 1;
    }
  }
  parts.push(text.slice(start));
  return parts;
}
