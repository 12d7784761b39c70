import type { IncomingMessage } from "node:http";
import type { Incoming, IncomingHeaders } from "../incoming.ts";
import { hungUp, type RequestBody, requestBody } from "./request-body.ts";

/**
 * A request of `node:http` as the handler reads it. It does what a `Request` does wherever the handler looks, and makes
 * nothing before it is asked for.
 */
export class NodeRequest implements Incoming {
  readonly method: string;
  readonly headers: RawHeaders;
  /** False for a request that says that it has none: GET and HEAD may say that they have one, and nobody reads it. */
  readonly hasBody: boolean;
  /** Path and query; set once they were checked. */
  target = "/";
  readonly #req: IncomingMessage;
  readonly #onFirstRead: (() => void) | null;
  #isRead = false;
  #body: RequestBody | null = null;
  #aborter: AbortController | null = null;
  #abortReason: DOMException | null = null;
  #fail: ((error: unknown) => void) | null = null;

  /** @param onFirstRead called when the handler asks for the first bytes: the moment for `100 Continue` */
  constructor(req: IncomingMessage, onFirstRead: (() => void) | null) {
    this.#req = req;
    this.#onFirstRead = onFirstRead;
    this.method = req.method ?? "GET";
    this.headers = new RawHeaders(req.rawHeaders);
    // Not from Node's own `headers`: they are made of all that came when the first is read.
    const length = this.headers.get("content-length");
    this.hasBody = this.headers.has("transfer-encoding") || (length !== null && Number(length) !== 0);
  }

  get url(): string {
    return `http://localhost${this.target}`;
  }

  get bodyUsed(): boolean {
    return this.#isRead;
  }

  get isAborted(): boolean {
    return this.#abortReason !== null;
  }

  get signal(): AbortSignal {
    this.#aborter ??= new AbortController();
    if (this.#abortReason !== null) this.#aborter.abort(this.#abortReason);
    return this.#aborter.signal;
  }

  get body(): ReadableStream<Uint8Array<ArrayBuffer>> | null {
    if (!this.hasBody || this.method === "GET" || this.method === "HEAD") return null;
    if (this.#body === null) {
      this.#body = requestBody(this.#req, this.#onFirstRead);
      if (this.#abortReason !== null) this.#body.fail(this.#abortReason);
    }
    return this.#body.stream;
  }

  /** Nothing is read from the socket before, beyond what Node holds in its own buffer of some 16 KiB. */
  readChunks(onChunk: (chunk: Uint8Array<ArrayBuffer>) => void): Promise<void> {
    const req = this.#req;
    this.#isRead = true;
    if (!this.hasBody) return Promise.resolve();
    return new Promise((resolve, reject) => {
      if (this.#abortReason !== null || req.destroyed) return reject(hungUp());
      // The listeners stay: to take them away costs as much as the rest.
      let isOver = false;
      this.#fail = (error) => {
        isOver = true;
        reject(error);
      };
      this.#onFirstRead?.();
      req.on("data", (chunk: Buffer<ArrayBuffer>) => {
        if (isOver) return;
        try {
          onChunk(chunk);
        } catch (error) {
          this.stopReading(error);
        }
      });
      req.on("end", () => {
        isOver = true;
        resolve();
      });
      req.on("close", () => {
        if (!isOver) reject(hungUp());
      });
    });
  }

  /** What is left of the body stays where it is until the answer is out. */
  stopReading(error: unknown): void {
    this.#req.pause();
    this.#fail?.(error);
  }

  /** The web's own, over the same body. */
  toRequest(): Request {
    // `Request` refuses these two by itself, but it is the route table that answers 404 or 405.
    const isForbidden = this.method === "TRACE" || this.method === "TRACK";
    const { body } = this;
    const request = new Request(this.url, {
      method: isForbidden ? "POST" : this.method,
      headers: webHeaders(this.#req.rawHeaders),
      signal: this.signal,
      ...(body === null ? {} : { body, duplex: "half" }),
    });
    return isForbidden ? Object.defineProperty(request, "method", { value: this.method }) : request;
  }

  /** Nobody waits for the answer any longer. */
  abort(): void {
    this.#abortReason ??= hungUp();
    this.#fail?.(this.#abortReason);
    this.#body?.fail(this.#abortReason);
    this.#aborter?.abort(this.#abortReason);
  }

  /** Reads the rest of the body from the socket and drops it. */
  discard(): void {
    if (this.#body !== null) this.#body.discard();
    else this.#req.resume();
  }
}

/** Names and values as they came, read as `Headers` reads them. */
export class RawHeaders implements IncomingHeaders {
  readonly #raw: readonly string[];
  /** In lower case; each as often as it came. */
  readonly #names: readonly string[];

  constructor(raw: readonly string[]) {
    this.#raw = raw;
    const names: string[] = [];
    for (let at = 0; at < raw.length; at += 2) names.push((raw[at] ?? "").toLowerCase());
    this.#names = names;
  }

  get(name: string): string | null {
    const wanted = name.toLowerCase();
    let value: string | null = null;
    for (let at = 0; at < this.#names.length; at++) {
      if (this.#names[at] !== wanted) continue;
      const one = this.#raw[at * 2 + 1] ?? "";
      value = value === null ? one : `${value}, ${one}`;
    }
    return value;
  }

  has(name: string): boolean {
    return this.#names.includes(name.toLowerCase());
  }

  keys(): Iterable<string> {
    return new Set(this.#names);
  }

  /** How often the name came, which must be in lower case. */
  count(name: string): number {
    let count = 0;
    for (const one of this.#names) if (one === name) count++;
    return count;
  }
}

function webHeaders(raw: readonly string[]): Headers {
  const headers = new Headers();
  for (let at = 0; at < raw.length; at += 2) headers.append(raw[at] ?? "", raw[at + 1] ?? "");
  return headers;
}
