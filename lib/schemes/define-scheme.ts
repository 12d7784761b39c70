import { nearest } from "../nearest.ts";
import type { Scheme, SchemeOptions } from "../scheme.ts";
import { checkScheme } from "./check-scheme.ts";
import { builtInScheme, builtInSchemeNames } from "./mod.ts";

/**
 * A scheme of your own, checked.
 *
 * @param options the whole record, or `extends` with the parts that differ; each part takes the place of the other's
 * @throws {TypeError} the first part that is wrong, with what to give
 * @example
 * ```ts
 * const acme = defineScheme({
 *   algorithm: "hmac-sha256",
 *   signature: { header: "x-acme-signature", encoding: "hex" },
 *   id: { body: "id" },
 *   type: { body: "type" },
 * });
 * const latchhook = createLatchhook({ schemes: { acme }, secrets: { acme: "s3cret" } });
 * ```
 */
export function defineScheme(options: SchemeOptions): Scheme {
  return resolveScheme("defineScheme", options);
}

/**
 * The record that options stand for.
 *
 * @param name the provider it was given for
 * @throws {TypeError} the first part that is wrong, with what to give
 */
export function resolveScheme(name: string, options: unknown): Scheme {
  if (typeof options !== "object" || options === null || !("extends" in options))
    return checkScheme(name, options);
  const { extends: from, ...changes } = options;
  const base = typeof from === "string" ? builtInScheme(from) : undefined;
  if (base !== undefined) return checkScheme(name, { ...base, ...changes });
  const near = nearest(String(from), builtInSchemeNames());
  const hint =
    near === null ? "give the name of a built-in scheme, such as github" : `the nearest is "${near}"`;
  throw new TypeError(`Cannot use schemes.${name}.extends: no scheme has this name; ${hint}`);
}
