import type { Scheme } from "../scheme.ts";
import { builtInScheme, builtInSchemeNames } from "./mod.ts";

/**
 * The record of a provider's name, or the record itself. Only `defineScheme` checks the whole of a record.
 *
 * @throws {TypeError} a name that is none, with those that there are; what is no record, such as one that `extends` another
 */
export function schemeOf(provider: string | Scheme): Scheme {
  if (typeof provider === "object" && provider !== null) {
    if ("algorithm" in provider && "signature" in provider) return provider;
    throw new TypeError("Cannot use this record: it has no algorithm and signature, so give defineScheme's");
  }
  const scheme = typeof provider === "string" ? builtInScheme(provider) : undefined;
  if (scheme !== undefined) return scheme;
  throw new TypeError(
    `Cannot find provider ${JSON.stringify(provider)?.slice(0, 66)}: the names are ${builtInSchemeNames().join(", ")}`,
  );
}
