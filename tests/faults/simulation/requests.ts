import type { Incoming } from "../../../lib/incoming.ts";
import { encodeText } from "../../../lib/json.ts";

export type Json = Record<string, unknown>;

/** A request as our listener hands it over: without a stream, which would take turns of the real event loop. */
export function requestOf(
  method: string,
  path: string,
  headers: Readonly<Record<string, string>>,
  body: Uint8Array<ArrayBuffer> | null,
  signal: AbortSignal,
): Incoming {
  const lines = new Map(Object.entries(headers));
  return {
    method,
    url: `http://localhost${path}`,
    headers: {
      get: (name) => lines.get(name.toLowerCase()) ?? null,
      has: (name) => lines.has(name.toLowerCase()),
      keys: () => lines.keys(),
    },
    body: null,
    bodyUsed: false,
    signal,
    readChunks: async (onChunk) => {
      if (body !== null) onChunk(body);
    },
  };
}

/** Another body that has the same id. */
export function bodyAgain(body: Json): Uint8Array<ArrayBuffer> {
  return encodeText(JSON.stringify({ ...body, inputs: { ms: 1, fails: 0, another: true } }));
}
