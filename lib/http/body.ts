import { WebhookError } from "../errors.ts";
import type { Incoming, IncomingHeaders } from "../incoming.ts";
import type { BodyShare } from "./body-budget.ts";

/**
 * All bytes of a request's body.
 *
 * @param bytesMax what a longer body is refused above, by its Content-Length before anything is read
 * @param share where the bytes are counted; its owner releases them after the request, also when this rejects.
 *   Without one only `bytesMax` holds
 * @throws {WebhookError} `body_too_large`; `overloaded`: it had to go for another; `body_unreadable`: the stream failed
 * @throws {TypeError} with the code `body_used`: someone has read the body before
 */
export async function readBody(
  request: Incoming,
  bytesMax: number,
  share?: BodyShare,
): Promise<Uint8Array<ArrayBuffer>> {
  const isUsed = request.bodyUsed || (request.readChunks === undefined && request.body?.locked);
  if (isUsed) throw bodyUsed();
  const declared = declaredBytes(request.headers);
  if (declared !== null && declared > bytesMax) throw tooLarge(bytesMax);
  const pile = new Pile(bytesMax, declared, share);
  if (request.readChunks !== undefined) {
    share?.begin((refusal) => request.stopReading?.(refusal));
    await request.readChunks((chunk) => pile.add(chunk)).catch(rethrow);
  } else if (request.body !== null) {
    await readStream(request.body.getReader(), pile, share);
  }
  share?.end();
  return pile.bytes();
}

type Reader = ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>;

async function readStream(reader: Reader, pile: Pile, share: BodyShare | undefined): Promise<void> {
  // Not awaited: of a cloned request's body it settles only once the other half is cancelled too.
  const cancel = (): void => void reader.cancel().catch(() => {});
  let stopped: WebhookError | null = null;
  share?.begin((refusal) => {
    stopped = refusal;
    cancel(); // what is being read is over with it
  });
  try {
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      // A request that a host app built may stream anything; text would be copied as zeros.
      if (!ArrayBuffer.isView(part.value)) throw new TypeError("a chunk is not bytes");
      if (stopped === null) pile.add(part.value);
    }
  } catch (error) {
    cancel();
    rethrow(error);
  }
  if (stopped !== null) throw stopped;
}

/** What is not our own refusal is the sender's body that broke off. */
function rethrow(error: unknown): never {
  throw error instanceof WebhookError ? error : unreadable(error);
}

/** The chunks of a body on their way to one piece. */
class Pile {
  readonly #bytesMax: number;
  readonly #declared: number | null;
  readonly #share: BodyShare | undefined;
  #buffer: Uint8Array<ArrayBuffer> = EMPTY;
  #length = 0;

  constructor(bytesMax: number, declared: number | null, share: BodyShare | undefined) {
    this.#bytesMax = bytesMax;
    this.#declared = declared;
    this.#share = share;
  }

  /** Copies, for whoever made the chunk may use its buffer again while the body waits for its commit. */
  add(chunk: Uint8Array<ArrayBuffer>): void {
    const end = this.#length + chunk.byteLength;
    if (end > this.#bytesMax) throw tooLarge(this.#bytesMax);
    // Counted as it arrives: a declared length would let idle connections use up the budget.
    this.#share?.take(chunk.byteLength);
    if (end > this.#buffer.byteLength) this.#grow(end);
    this.#buffer.set(chunk, this.#length);
    this.#length = end;
  }

  bytes(): Uint8Array<ArrayBuffer> {
    return this.#length === this.#buffer.byteLength ? this.#buffer : this.#buffer.slice(0, this.#length);
  }

  /**
   * One buffer that doubles. A list of chunks would let a sender of single bytes hold a hundred times its body. The
   * first size trusts a Content-Length only so far, because nothing of it may ever arrive.
   */
  #grow(end: number): void {
    const first = Math.min(this.#declared ?? FIRST_BYTES, FIRST_BYTES_MAX);
    const size = Math.min(Math.max(end, this.#buffer.byteLength * 2, first), this.#bytesMax);
    const grown = new Uint8Array(size);
    grown.set(this.#buffer.subarray(0, this.#length));
    this.#buffer = grown;
  }
}

const EMPTY: Uint8Array<ArrayBuffer> = new Uint8Array(0);
const FIRST_BYTES = 4_096;
const FIRST_BYTES_MAX = 65_536;

function declaredBytes(headers: IncomingHeaders): number | null {
  const text = headers.get("content-length");
  return text !== null && /^\d{1,15}$/.test(text) ? Number(text) : null;
}

function tooLarge(bytesMax: number): WebhookError {
  return new WebhookError("body_too_large", `Cannot read a body of more than ${bytesMax} bytes`);
}

function unreadable(cause: unknown): WebhookError {
  return new WebhookError("body_unreadable", "Cannot read the body: it ended before it was whole", { cause });
}

function bodyUsed(): TypeError {
  const message = "Cannot read the body: it was read already; hand over the request before anything reads it";
  return Object.assign(new TypeError(message), { code: "body_used" });
}
