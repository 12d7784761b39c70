import type { Atom, Signed, SignedChunks, SignedParts } from "../scheme.ts";

/**
 * Reads a template such as `v0:{timestamp}:{body}`.
 *
 * @returns gives the content as chunks, because a body put together with text would be decoded and copied
 * @throws {TypeError} an atom that does not exist, or a template that leaves the body unsigned
 */
export function parseSigned(signed: string | Signed): Signed {
  if (typeof signed !== "string") return signed;
  const pieces = signed.split(/\{([^{}]*)\}/);
  const of = new Set(pieces.filter((_, at) => isAtomAt(at)) as Atom[]);
  for (const atom of of) {
    if (!ATOMS.includes(atom)) throw new TypeError(`Cannot sign {${atom}}: there are ${ATOMS.join(", ")}`);
  }
  if (!of.has("body"))
    throw new TypeError("Cannot verify what leaves the body unsigned: put {body} into signed");
  return { of: [...of], contents: (parts) => [fill(pieces, parts)] };
}

/** Text and atoms take turns, text first. */
function isAtomAt(at: number): boolean {
  return at % 2 === 1;
}

/** Texts that meet are one chunk, because each chunk is a call into the MAC. */
function fill(pieces: readonly string[], parts: SignedParts): SignedChunks {
  const chunks: (string | Uint8Array)[] = [];
  let text = "";
  for (let at = 0; at < pieces.length; at++) {
    const piece = pieces[at] ?? "";
    const part = isAtomAt(at) ? parts[piece as Atom] : piece;
    if (typeof part === "string") text += part;
    else {
      if (text !== "") chunks.push(text);
      text = "";
      chunks.push(part);
    }
  }
  if (text !== "") chunks.push(text);
  return chunks;
}

const ATOMS: readonly Atom[] = ["body", "timestamp", "id", "url", "method"];
