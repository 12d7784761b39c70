/** An answer before anything of the runtime's is made of it. Small, because making a `Response` costs as much as a row. */
export interface Answer {
  readonly status: number;
  /** Names in lower case, each once. */
  readonly headers: Readonly<Record<string, string>>;
  /** null for none. */
  readonly body: string | null;
}

/** The answer as hosts take it. */
export function toResponse({ status, headers, body }: Answer): Response {
  return new Response(body, { status, headers });
}
