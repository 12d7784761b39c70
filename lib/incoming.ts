/** What is read of headers. The web's own `Headers` does it. */
export interface IncomingHeaders {
  /** Several of a name read as one, joined with `, `; null where there is none. The name's case is all one. */
  get(name: string): string | null;
  has(name: string): boolean;
  /** In lower case. */
  keys(): Iterable<string>;
}

/**
 * A request as the rooms read it. The web's own `Request` is one, and so is what our listener makes of Node's, whose
 * parts are made only when they are asked for: a `Request` with its headers costs more than all that is read of it.
 */
export interface Incoming {
  readonly method: string;
  /** Absolute. */
  readonly url: string;
  readonly headers: IncomingHeaders;
  readonly body: ReadableStream<Uint8Array<ArrayBuffer>> | null;
  readonly bodyUsed: boolean;
  readonly signal: AbortSignal;
  /**
   * Where it is there, reads the body without a stream in between.
   *
   * @param onChunk what it throws ends the reading and rejects
   */
  readChunks?(onChunk: (chunk: Uint8Array<ArrayBuffer>) => void): Promise<void>;
  /** Ends a `readChunks` under way, which rejects with the error. */
  stopReading?(error: unknown): void;
  /** Where it is there, the request as a `Request`. */
  toRequest?(): Request;
}

/** The web's `Request` of a request, for code that is not ours. */
export function toRequest(incoming: Incoming): Request {
  return incoming.toRequest?.() ?? (incoming as Request);
}

/** Path and query (with its `?`, or empty) of an absolute URL, as it spells them. */
export function splitUrl(url: string): { path: string; query: string } {
  const start = url.indexOf("/", url.indexOf("//") + 2);
  const mark = url.indexOf("?", start);
  const hash = url.indexOf("#", start);
  const end = hash === -1 ? url.length : hash;
  if (start === -1) return { path: "/", query: "" };
  if (mark === -1 || mark > end) return { path: url.slice(start, end), query: "" };
  return { path: url.slice(start, mark), query: url.slice(mark, end) };
}
