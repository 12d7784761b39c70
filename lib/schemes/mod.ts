import type { Scheme } from "../scheme.ts";
import { generic } from "./generic.ts";

// A Map, so that a name from outside never meets an object's inherited properties.
const BUILT_IN: ReadonlyMap<string, Scheme> = new Map([["generic", generic]]);

/** The scheme that comes with Latchhook under this name. */
export function builtInScheme(name: string): Scheme | undefined {
  return BUILT_IN.get(name);
}

/** The names of all schemes that come with Latchhook. */
export function builtInSchemeNames(): readonly string[] {
  return [...BUILT_IN.keys()];
}
