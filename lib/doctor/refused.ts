import type { SignatureReason } from "../errors.ts";
import type { IncomingHeaders } from "../incoming.ts";
import type { SignedDelivery } from "../verify/scheme-check.ts";

/** A delivery whose signature did not hold, as it is held until it is looked at. */
export interface Refused extends SignedDelivery {
  readonly provider: string;
  /** What the verifier said. */
  readonly verdict: SignatureReason;
  readonly requestId: string;
  /** When it came, in epoch milliseconds. */
  readonly at: number;
  /** Path and query as they arrived. */
  readonly target: string;
  /** The body's length; its bytes may not have been kept. */
  readonly bodyBytes: number;
  readonly isBodyKept: boolean;
}

/** Characters of header names and values that are held of one delivery: more than our own listener lets in. */
const HEADERS_LENGTH_MAX = 32_768;

/** A copy, because the request's own headers hold on to its connection. */
export class HeldHeaders implements IncomingHeaders {
  readonly #values = new Map<string, string>();

  constructor(headers: IncomingHeaders, changes: Readonly<Record<string, string>> = {}) {
    let length = 0;
    for (const name of headers.keys()) {
      const value = headers.get(name) ?? "";
      length += name.length + value.length;
      if (length > HEADERS_LENGTH_MAX) break;
      this.#values.set(name, value);
    }
    for (const [name, value] of Object.entries(changes)) this.#values.set(name, value);
  }

  get(name: string): string | null {
    return this.#values.get(name.toLowerCase()) ?? null;
  }

  has(name: string): boolean {
    return this.#values.has(name.toLowerCase());
  }

  keys(): Iterable<string> {
    return this.#values.keys();
  }
}
