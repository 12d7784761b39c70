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

/** Reads a header; null where it is no list of the record's form. */
export type PartsReader = (text: string) => ParsedParts | null;

/**
 * What reads headers such as `t=1700000000,v1=abc`. Entries of unknown keys are skipped: they are other versions.
 *
 * @param algorithm of the entries, where the record's `key` names no other
 * @param partKey the entry that is asked for besides
 * @returns gives null where it is no such list: an entry without a key, white space or a comma where two headers were
 * joined, too many entries, or the asked-for one twice
 */
export function partsReader(
  { separator, assign, key }: Parts,
  algorithm: SignatureAlgorithm,
  partKey: string | null,
): PartsReader {
  const joint = jointOf(separator, assign);
  const algorithms = new Map(typeof key === "string" ? [[key, algorithm]] : Object.entries(key));
  return (text) => {
    if (joint?.test(text)) return null;
    const signatures: PartSignature[] = [];
    let part: string | null = null;
    let entries = 0;
    // Cut where it is read: a list of entries, to be cut once more, costs as much as reading them.
    for (let start = 0, end = 0; end < text.length; start = end + separator.length) {
      if (++entries > ENTRIES_MAX) return null;
      const next = text.indexOf(separator, start);
      end = next === -1 ? text.length : next;
      const at = text.indexOf(assign, start);
      if (at <= start || at >= end) return null;
      const name = text.slice(start, at);
      const value = text.slice(at + assign.length, end);
      if (assign === "," && value.includes(",")) return null;
      if (name === partKey) {
        if (part !== null) return null;
        part = value;
      } else {
        const own = algorithms.get(name);
        if (own !== undefined) signatures.push({ text: value, algorithm: own });
      }
    }
    return entries === 0 ? null : { signatures, part };
  };
}

/** What shows that two headers were joined to one; null where an entry's own form shows it. */
function jointOf(separator: string, assign: string): RegExp | null {
  if (separator === ",") return /\s/;
  if (separator !== " ") return /[\s,]/;
  return assign === "," ? null : /[^\S ]|,/;
}
