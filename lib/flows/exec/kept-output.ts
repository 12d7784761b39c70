import { joinBytes } from "../../join-bytes.ts";
import { encodeText } from "../../json.ts";
import type { SecretHider } from "../secret-hider.ts";

/** What is kept of a stream's beginning and of its end, in bytes: the last words say what went wrong. */
const HEAD_BYTES = 65_536;
const TAIL_BYTES = 196_608;

/** A stream's text as JSON, in bytes. A step's result has at most 1 MiB, and there are two streams. */
export const OUTPUT_JSON_MAX = 409_600;

/** What a command prints: its beginning and its end, however much it is. */
export class KeptOutput {
  readonly #head = new Uint8Array(HEAD_BYTES);
  /** Written round and round. */
  readonly #tail = new Uint8Array(TAIL_BYTES);
  #total = 0;

  add(chunk: Uint8Array): void {
    const toHead = chunk.subarray(0, Math.max(0, HEAD_BYTES - this.#total));
    this.#head.set(toHead, Math.min(this.#total, HEAD_BYTES));
    this.#total += toHead.byteLength;
    let rest = chunk.subarray(toHead.byteLength);
    // Only the end of a chunk that is larger than all that is kept.
    const skipped = Math.max(0, rest.byteLength - TAIL_BYTES);
    this.#total += skipped;
    rest = rest.subarray(skipped);
    while (rest.byteLength > 0) {
      const at = (this.#total - HEAD_BYTES) % TAIL_BYTES;
      const part = rest.subarray(0, TAIL_BYTES - at);
      this.#tail.set(part, at);
      this.#total += part.byteLength;
      rest = rest.subarray(part.byteLength);
    }
  }

  /**
   * The text; what is no UTF-8 becomes U+FFFD, and what is left out is said in its place.
   *
   * @param hide takes secrets out before anything is cut; what may be a part of one beside the cut goes, too
   */
  text(hide: SecretHider): string {
    const decoder = new TextDecoder();
    const inTail = this.#total - HEAD_BYTES;
    if (inTail <= 0) return fitJson(hide(decoder.decode(this.#head.subarray(0, this.#total))), "", 0);
    const start = inTail % TAIL_BYTES;
    const isCut = inTail > TAIL_BYTES;
    const tail = isCut
      ? [this.#tail.subarray(start), this.#tail.subarray(0, start)]
      : [this.#tail.subarray(0, inTail)];
    const bytes = [this.#head, ...tail];
    if (!isCut) return fitJson(hide(decoder.decode(joinBytes(bytes))), "", 0);
    const unsure = Math.max(0, hide.longest - 1);
    const before = hide(decoder.decode(this.#head));
    const after = hide(decoder.decode(joinBytes(tail)));
    const head = before.slice(0, before.length - unsure);
    return fitJson(head, after.slice(unsure), inTail - TAIL_BYTES);
  }
}

/**
 * Beginning and end, with what is left out between them said there. Control characters take six bytes each in JSON, so
 * that more of them may have to go than is left out already.
 */
function fitJson(head: string, tail: string, bytesOut: number): string {
  const text = bytesOut === 0 ? head + tail : `${head}\n[${bytesOut} bytes left out]\n${tail}`;
  if (bytesOf(JSON.stringify(text)) <= OUTPUT_JSON_MAX) return text;
  const whole = head + tail;
  const start = whole.slice(0, Math.floor(whole.length * CUT_TO_HALVES));
  const end = whole.slice(Math.ceil(whole.length * (1 - CUT_TO_HALVES)));
  return fitJson(start, end, bytesOut + bytesOf(whole) - bytesOf(start) - bytesOf(end));
}

/** Of a text that is too long its first and its last three eighths are kept. */
const CUT_TO_HALVES = 0.375;

function bytesOf(text: string): number {
  return encodeText(text).byteLength;
}
