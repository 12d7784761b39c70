import type { Scheme } from "../scheme.ts";
import { builtInScheme, builtInSchemeNames } from "./mod.ts";

/**
 * The record of a provider's name, or the record itself.
 *
 * @throws {TypeError} a name that is none, with those that there are
 */
export function schemeOf(provider: string | Scheme): Scheme {
  if (typeof provider === "object" && provider !== null) return provider;
  const scheme = typeof provider === "string" ? builtInScheme(provider) : undefined;
  if (scheme !== undefined) return scheme;
  throw new TypeError(
    `Cannot find provider ${JSON.stringify(provider)}: the names are ${builtInSchemeNames().join(", ")}`,
  );
}
