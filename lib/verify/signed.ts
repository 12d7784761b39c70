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
    throw new TypeError(`Cannot sign {${atom}}: there are ${ATOMS.map((name) => `{${name}}`).join(", ")}`);
  }
  if (!atoms.has("body"))
    throw new TypeError("Cannot verify what leaves the body unsigned: put {body} into signed");
  const contents = (parts: SignedParts): readonly SignedChunks[] => [
    pieces.map(({ text, isAtom }) => (isAtom ? parts[text as Atom] : text)),
  ];
  return { of: [...atoms] as Atom[], contents };
}

const ATOMS: readonly Atom[] = ["body", "timestamp", "id", "url", "method"];

function isAtomName(text: string): text is Atom {
  return (ATOMS as readonly string[]).includes(text);
}
