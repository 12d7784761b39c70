/**
 * Headers that are not the node's to give: those of the connection (RFC 9110, section 7.6.1), those that say where the
 * body ends or to whom the request goes, and `Via`, by which a request is known to come from a workflow.
 */
const OTHERS_HEADERS: ReadonlySet<string> = new Set([
  "connection",
  "content-length",
  "expect",
  "host",
  "http2-settings",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "via",
]);

/** What a request to another origin keeps of the node's headers: those that say nothing about who asks. */
const KEPT_ELSEWHERE: ReadonlySet<string> = new Set(["accept", "content-type", "user-agent"]);

/** What is wrong with a header's name, and the way out; null for nothing. */
export function headerNameFault(name: string): string | null {
  if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}$/.test(name)) {
    return `give letters, digits and "-", at most 256; templates stand in values only`;
  }
  return OTHERS_HEADERS.has(name.toLowerCase()) ? "it is set for each request; leave it out" : null;
}

/**
 * True for what a header's value may be. A line break would begin another header, and what is not ASCII is written
 * differently by each server.
 */
export function isHeaderValue(text: string): boolean {
  return /^[\t\x20-\x7e]*$/.test(text);
}

/**
 * True where the header may follow a redirect to another origin. Everything that is not known to be harmless is taken
 * for a credential, since any name may be one.
 */
export function isKeptElsewhere(name: string): boolean {
  return KEPT_ELSEWHERE.has(name.toLowerCase());
}
