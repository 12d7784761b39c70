/**
 * The URL under which the world sees us, as it stands before our paths.
 *
 * @param text an origin and at most a path
 * @returns as it was given, because providers sign the spelling that they were given (`:443`, capitals), without slashes at
 * its end; null for anything else
 */
export function publicUrlOf(text: string): string | null {
  if (!/^https?:\/\/[^/\\\s?#@]+(?:\/[^\\\s?#]*)?$/i.test(text) || !URL.canParse(text)) return null;
  const { origin, pathname } = new URL(text);
  // It goes into headers, which are ASCII; a host in another script has an ASCII name by which it is called.
  const isAscii = /^[!-~]*$/.test(text);
  return (isAscii ? text : origin + pathname).replace(/\/+$/, "");
}
