import type { Parts, SignatureAlgorithm } from "../scheme.ts";

/** Entries of one header that are looked at; providers send a handful while a secret is rotated. */
const ENTRIES_MAX = 20;

/** An entry that is a signature, still spelled. */
export interface PartSignature {
  readonly text: string;
  readonly algorithm: SignatureAlgorithm;
}

/** What a header that is a list says. */
export interface ParsedParts {
  readonly signatures: readonly PartSignature[];
  /** The one entry of the asked-for key; null where there is none. */
  readonly part: string | null;
}

/**
 * Reads a header such as `t=1700000000,v1=abc`. Entries of unknown keys are skipped: they are other versions.
 *
 * @param algorithm of the entries, where the record's `key` names no other
 * @param partKey the entry that is asked for besides
 * @returns null where it is no such list: an entry without a key, white space or a comma where two headers were joined,
 * too many entries, or the asked-for one twice
 */
export function parseParts(
  text: string,
  { separator, assign, key }: Parts,
  algorithm: SignatureAlgorithm,
  partKey: string | null,
): ParsedParts | null {
  if (joinedBy(separator).test(text)) return null;
  const entries = text.split(separator, ENTRIES_MAX + 1);
  if (entries.length > ENTRIES_MAX) return null;
  const signatures: PartSignature[] = [];
  let part: string | null = null;
  for (const entry of entries) {
    const at = entry.indexOf(assign);
    if (at < 1) return null;
    const name = entry.slice(0, at);
    const value = entry.slice(at + assign.length);
    if (assign === "," && value.includes(",")) return null;
    if (name === partKey) {
      if (part !== null) return null;
      part = value;
    } else if (typeof key !== "string") {
      const own = ownAlgorithm(key, name);
      if (own !== undefined) signatures.push({ text: value, algorithm: own });
    } else if (name === key) signatures.push({ text: value, algorithm });
  }
  return { signatures, part };
}

/** What shows that two headers were joined to one: white space and commas, where they divide no entries. */
function joinedBy(separator: string): RegExp {
  if (separator === " ") return /[^\S ]/;
  return separator === "," ? /\s/ : /[\s,]/;
}

function ownAlgorithm(
  keys: Readonly<Record<string, SignatureAlgorithm>>,
  name: string,
): SignatureAlgorithm | undefined {
  return Object.hasOwn(keys, name) ? keys[name] : undefined;
}
