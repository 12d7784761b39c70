import { encodeText } from "../json.ts";
import type { RejectionReason } from "../rejection.ts";
import { formVariants } from "./form-variants.ts";
import { decodeUtf8, jsonForms, type Pause, smallJson, type Variant } from "./json-forms.ts";

/** A body that the sender may have signed in place of the one that came. */
export interface BodyVariant extends Variant {
  readonly reason: RejectionReason;
}

/**
 * What the body may have been before something changed it, the smallest change first; each once, and never the body
 * itself.
 *
 * @param isForm true where the content type is a form's
 */
export function* bodyVariants(body: Uint8Array, isForm: boolean): Generator<BodyVariant | Pause> {
  const seen = [body];
  const causes: readonly (readonly [RejectionReason, Iterable<Found | Pause>])[] = [
    ["body_base64", unwrapped(body)],
    ["body_changed_in_transit", edges(body)],
    ["charset", charsets(body)],
    isForm ? ["form_rebuilt", formVariants(body)] : ["body_reserialised", jsonForms(body)],
  ];
  for (const [reason, variants] of causes) {
    yield null;
    for (const variant of variants) {
      if (variant === null) yield null;
      else if (!seen.some((one) => isEqual(one, variant.bytes))) {
        seen.push(variant.bytes);
        yield { reason, ...variant };
      }
    }
  }
}

type Found = Variant & { readonly reason?: RejectionReason };

function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.byteLength === b.byteLength && Buffer.compare(a, b) === 0;
}

const BASE64 = /^[A-Za-z0-9+/_-]{4,}={0,2}$/;

/** What gateways wrap a body into: base64, a JSON text, or an event of their own that holds it. */
function* unwrapped(body: Uint8Array): Generator<Found> {
  const text = decodeUtf8(body)?.trim() ?? "";
  if (BASE64.test(text)) yield { bytes: Buffer.from(text, "base64"), means: "its base64 decoded" };
  if (!text.startsWith('"') && !/"body"\s*:\s*"/.test(text)) return;
  const value = smallJson(body);
  const isEvent = typeof value === "object" && value !== null && Object.hasOwn(value, "body");
  const inner: unknown = isEvent ? Reflect.get(value, "body") : value;
  if (typeof inner !== "string") return;
  if (BASE64.test(inner)) yield { bytes: Buffer.from(inner, "base64"), means: "the base64 in it decoded" };
  yield {
    bytes: encodeText(inner),
    means: isEvent ? 'what its field "body" holds in its place' : "what its JSON text holds in its place",
    reason: "body_reserialised",
  };
}

/** What a proxy adds or cuts without reading the body. */
function* edges(body: Uint8Array): Generator<Variant> {
  const text = decodeUtf8(body);
  if (text === null) return;
  const ended = text.slice(0, endOfContent(text));
  yield { bytes: encodeText(`${ended}\n`), means: "a line break at its end" };
  yield { bytes: encodeText(ended), means: "no white space at its end" };
  yield { bytes: encodeText(`${ended}\r\n`), means: "CR LF at its end" };
  if (text.includes("\n")) {
    yield { bytes: encodeText(text.replace(/\r\n?/g, "\n")), means: "lines that end in LF" };
    yield { bytes: encodeText(text.replace(/\r?\n/g, "\r\n")), means: "lines that end in CR LF" };
  }
  yield { bytes: encodeText(text.trim()), means: "no white space around it" };
}

/** Where the white space at its end begins. No pattern, because one would look at each run of blanks again and again. */
function endOfContent(text: string): number {
  let end = text.length;
  while (end > 0 && " \t\r\n".includes(text.charAt(end - 1))) end--;
  return end;
}

/** Larger bodies are not read in other charsets. */
const CHARSET_BYTES_MAX = 131_072;

function* charsets(body: Uint8Array): Generator<Variant> {
  if (body.byteLength > CHARSET_BYTES_MAX) return;
  const text = decodeUtf8(body);
  if (text === null) {
    yield { bytes: encodeText(Buffer.from(body).toString("latin1")), means: "UTF-8 in place of Latin-1" };
    yield {
      bytes: encodeText(new TextDecoder("windows-1252").decode(body)),
      means: "UTF-8 in place of Windows-1252",
    };
    return;
  }
  if (text.startsWith("\uFEFF")) yield { bytes: body.subarray(3), means: "no byte order mark" };
  if (!/[^\0-\x7f]/.test(text)) {
    yield { bytes: encodeText(`\uFEFF${text}`), means: "a byte order mark before it" };
    return;
  }
  if (!/[^\0-\xff]/.test(text)) {
    yield { bytes: Buffer.from(text, "latin1"), means: "the bytes that were read as Latin-1" };
  }
  const narrow = toWindows1252(text);
  if (narrow !== null) yield { bytes: narrow, means: "the bytes that were read as Windows-1252" };
  yield { bytes: encodeText(text.normalize("NFC")), means: "composed letters (NFC)" };
  yield { bytes: encodeText(text.normalize("NFD")), means: "decomposed letters (NFD)" };
  yield { bytes: encodeText(`\uFEFF${text}`), means: "a byte order mark before it" };
}

let bytesOfLetters: ReadonlyMap<string, number> | null = null;

/** The bytes that read as this text in Windows-1252; null where some letter has none there. */
function toWindows1252(text: string): Uint8Array | null {
  bytesOfLetters ??= new Map(
    Array.from(
      new TextDecoder("windows-1252").decode(Uint8Array.from({ length: 256 }, (_, at) => at)),
      (letter, at) => [letter, at],
    ),
  );
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at++) {
    const byte = bytesOfLetters.get(text.charAt(at));
    if (byte === undefined) return null;
    bytes[at] = byte;
  }
  return bytes;
}
