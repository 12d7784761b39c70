import type { Atom, Signed, SignedChunks, SignedParts } from "../scheme.ts";

/**
 * Reads a template such as `v0:{timestamp}:{body}`.
 *
 * @returns gives the content as chunks, because a body put together with text would be decoded and copied
 * @throws {TypeError} an atom that does not exist, or a template that leaves the body unsigned
 */
export function parseSigned(signed: string | Signed): Signed {
  if (typeof signed !== "string") return signed;
  const pieces = signed.split(/\{([^{}]*)\}/).map((text, at) => ({ text, isAtom: at % 2 === 1 }));
  const atoms = new Set(pieces.filter(({ isAtom }) => isAtom).map(({ text }) => text));
  for (const atom of atoms) {
    if (isAtomName(atom)) continue;
    throw new TypeError(`Cannot sign {${atom}}: there are ${ATOMS.join(", ")}`);
  }
  if (!atoms.has("body"))
    throw new TypeError("Cannot verify what leaves the body unsigned: put {body} into signed");
  return { of: [...atoms] as Atom[], contents: (parts) => [fill(pieces, parts)] };
}

/** Texts that meet are one chunk, because each chunk is a call into the MAC. */
function fill(pieces: readonly Piece[], parts: SignedParts): SignedChunks {
  const chunks: (string | Uint8Array)[] = [];
  let text = "";
  for (const piece of pieces) {
    const part = piece.isAtom ? parts[piece.text as Atom] : piece.text;
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

interface Piece {
  readonly text: string;
  readonly isAtom: boolean;
}

const ATOMS: readonly Atom[] = ["body", "timestamp", "id", "url", "method"];

function isAtomName(text: string): text is Atom {
  return (ATOMS as readonly string[]).includes(text);
}
