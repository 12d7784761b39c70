import { encodeText } from "../json.ts";
import { parseFields } from "../parse-body.ts";
import { decodeUtf8, type Variant } from "./json-forms.ts";

type Fields = readonly (readonly [name: string, value: string])[];

/** A larger form is not written anew. */
const FORM_BYTES_MAX = 65_536;

/** What a form may have been before something read it and wrote it again. */
export function* formVariants(body: Uint8Array): Generator<Variant> {
  const text = body.byteLength > FORM_BYTES_MAX ? null : decodeUtf8(body);
  const fields = text === null ? null : tryFields(body);
  if (text === null || fields === null) return;
  // Names and values as they stood, and only one thing about them different.
  yield of(text.replaceAll("+", "%2B"), "+ that stands for itself");
  yield of(write(text.split("&").filter((pair) => !/^[^=]*=?$/.test(pair))), "no blank fields");
  yield of(text.replaceAll("+", "%20"), "blanks as %20");
  yield of(text.replaceAll("%20", "+"), "blanks as +");
  for (const [order, own] of [
    ["", fields],
    [", fields in the order of their names", [...fields].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))],
  ] as const) {
    for (const { means, spell } of SPELLINGS) {
      yield of(write(own.map(([name, value]) => `${spell(name)}=${spell(value)}`)), means + order);
    }
  }
  yield of(
    text.replace(/%[0-9A-Fa-f]{2}/g, (code) => code.toLowerCase()),
    "%xx in lower case",
  );
}

const SPELLINGS: readonly { readonly means: string; spell(text: string): string }[] = [
  { means: "blanks as +", spell: (text) => new URLSearchParams([["", text]]).toString().slice(1) },
  { means: "blanks as %20", spell: (text) => encodeURIComponent(text) },
  {
    means: "blanks as + and no mark but _ - . ~ as it is",
    spell: (text) => strict(text).replaceAll("%20", "+"),
  },
  { means: "blanks as %20 and no mark but _ - . ~ as it is", spell: strict },
];

/** RFC 3986's unreserved letters alone stand for themselves. */
function strict(text: string): string {
  const encoded = encodeURIComponent(text);
  return encoded.replace(/[!'()*]/g, (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`);
}

function tryFields(body: Uint8Array): Fields | null {
  try {
    return parseFields(body);
  } catch {
    return null;
  }
}

function write(pairs: readonly string[]): string {
  return pairs.join("&");
}

function of(text: string, means: string): Variant {
  return { bytes: encodeText(text), means };
}
