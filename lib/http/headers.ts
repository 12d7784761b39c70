/** What every answer carries. */
export const STANDARD_HEADERS: Readonly<Record<string, string>> = {
  "cache-control": "no-store",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
};

/** An answer with the standard headers and a JSON body. */
export function jsonResponse(
  status: number,
  value: unknown,
  headers: Readonly<Record<string, string>> = {},
): Response {
  // RFC 8259: JSON is UTF-8, and the type has no charset.
  return new Response(JSON.stringify(value), {
    status,
    headers: { "content-type": "application/json", ...STANDARD_HEADERS, ...headers },
  });
}

/** An answer with the standard headers and no body. */
export function emptyResponse(status: number, headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(null, { status, headers: { ...STANDARD_HEADERS, ...headers } });
}
