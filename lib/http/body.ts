import { WebhookError } from "../errors.ts";

/** What the bodies of all requests under way may hold together, in bytes. */
export const BODIES_BYTES_MAX = 67_108_864;

/** Counts the bytes of bodies in flight, over all requests. */
export class BodyBudget {
  readonly #bytesMax: number;
  #taken = 0;

  constructor(bytesMax: number = BODIES_BYTES_MAX) {
    this.#bytesMax = bytesMax;
  }

  /** Takes `bytes` of what is left; false, with nothing taken, where that is less. */
  take(bytes: number): boolean {
    if (this.#taken + bytes > this.#bytesMax) return false;
    this.#taken += bytes;
    return true;
  }

  give(bytes: number): void {
    this.#taken -= bytes;
  }

  /** One request's part. Whoever opens it releases it in a `finally`, so that no way out of a request leaks bytes. */
  share(): BodyShare {
    return new BodyShare(this);
  }
}

/** What one request has taken of a budget. */
export class BodyShare {
  readonly #budget: BodyBudget;
  #taken = 0;

  constructor(budget: BodyBudget) {
    this.#budget = budget;
  }

  take(bytes: number): boolean {
    if (!this.#budget.take(bytes)) return false;
    this.#taken += bytes;
    return true;
  }

  /** Gives all of it back. A second call gives nothing. */
  release(): void {
    this.#budget.give(this.#taken);
    this.#taken = 0;
  }
}

/**
 * All bytes of a request's body.
 *
 * @param bytesMax what a longer body is refused above, by its Content-Length before anything is read
 * @param share where the bytes are counted; its owner releases them after the request, also when this rejects.
 *   Without one only `bytesMax` holds
 * @throws {WebhookError} `body_too_large`; `overloaded`: the budget is used up; `body_unreadable`: the stream failed
 * @throws {TypeError} with the code `body_used`: someone has read the body before
 */
export async function readBody(
  request: Request,
  bytesMax: number,
  share?: Pick<BodyShare, "take">,
): Promise<Uint8Array<ArrayBuffer>> {
  if (request.bodyUsed || request.body?.locked) throw bodyUsed();
  const declared = declaredBytes(request.headers);
  if (declared !== null && declared > bytesMax) throw tooLarge(bytesMax);
  if (request.body === null) return new Uint8Array(0);
  const reader = request.body.getReader();
  try {
    return await readAll(reader, bytesMax, declared, share);
  } catch (error) {
    // Not awaited: of a cloned request's body it settles only once the other half is cancelled too.
    reader.cancel().catch(() => {});
    throw error;
  }
}

type Reader = ReadableStreamDefaultReader<Uint8Array>;

async function readAll(
  reader: Reader,
  bytesMax: number,
  declared: number | null,
  share: Pick<BodyShare, "take"> | undefined,
): Promise<Uint8Array<ArrayBuffer>> {
  // One buffer that doubles. A list of chunks would let a sender of single bytes hold a hundred times its body.
  // The first size trusts a Content-Length only so far, because nothing of it may ever arrive.
  let buffer = new Uint8Array(Math.min(declared ?? FIRST_BYTES, FIRST_BYTES_MAX));
  let length = 0;
  for (;;) {
    const chunk = await readChunk(reader);
    if (chunk === null) break;
    const end = length + chunk.byteLength;
    if (end > bytesMax) throw tooLarge(bytesMax);
    // Counted as it arrives: a declared length would let idle connections use up the budget.
    if (share !== undefined && !share.take(chunk.byteLength)) {
      throw new WebhookError(
        "overloaded",
        "Cannot read the body now: those of other requests fill the memory",
      );
    }
    if (end > buffer.byteLength) {
      const grown = new Uint8Array(Math.min(Math.max(end, buffer.byteLength * 2), bytesMax));
      grown.set(buffer.subarray(0, length));
      buffer = grown;
    }
    buffer.set(chunk, length);
    length = end;
  }
  return length === buffer.byteLength ? buffer : buffer.slice(0, length);
}

const FIRST_BYTES = 4_096;
const FIRST_BYTES_MAX = 65_536;

async function readChunk(reader: Reader): Promise<Uint8Array | null> {
  let result: Awaited<ReturnType<Reader["read"]>>;
  try {
    result = await reader.read();
  } catch (error) {
    throw unreadable(error);
  }
  if (result.done) return null;
  // A request that a host app built may stream anything; text would be copied as zeros.
  if (!ArrayBuffer.isView(result.value)) throw unreadable(new TypeError("a chunk is not bytes"));
  return result.value;
}

function declaredBytes(headers: Headers): number | null {
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
