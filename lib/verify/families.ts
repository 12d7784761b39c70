import type { IncomingHeaders } from "../incoming.ts";
import type { Scheme } from "../scheme.ts";

/** Gives the name under which this delivery has the header that the record calls so. */
export type HeaderName = (name: string) => string;

/**
 * In which family's spelling a delivery is read: the first of which it has the signature's header. So an id of one
 * family never goes with the signature of another.
 */
export function familyOf(scheme: Scheme, headers: IncomingHeaders): HeaderName {
  const { families } = scheme;
  if (families === undefined) return same;
  const [first = ""] = families;
  const names = signatureHeaders(scheme);
  for (const family of families) {
    for (const name of names) {
      if (!headers.has(inFamily(name, first, family))) continue;
      return family === first ? same : (asked) => inFamily(asked, first, family);
    }
  }
  return same;
}

/** The header names of a record's signature, as the record spells them. */
export function signatureHeaders({ signature }: Pick<Scheme, "signature">): readonly string[] {
  const { header = [] } = signature;
  return typeof header === "string" ? [header] : header;
}

/** Every header that may carry a signature or a token of this scheme, in all spellings. */
export function secretHeaders(scheme: Scheme): readonly string[] {
  const names = signatureHeaders(scheme);
  const [first = ""] = scheme.families ?? [];
  const own = (scheme.families ?? [first]).flatMap((family) =>
    names.map((name) => inFamily(name, first, family)),
  );
  return scheme.forSecrets === undefined ? own : [...own, ...secretHeaders(scheme.forSecrets.scheme)];
}

function same(name: string): string {
  return name;
}

/** A name of one family in another's spelling. */
export function inFamily(name: string, from: string, to: string): string {
  return from !== to && name.startsWith(from) ? to + name.slice(from.length) : name;
}
