import { readdirSync, readFileSync } from "node:fs";
import type { Scheme } from "../scheme.ts";
import { builtInScheme } from "../schemes/mod.ts";

const FOLDER = new URL("../samples/", import.meta.url);

/** What a provider's deliveries look like: event type to body; of a form the body is an object of its fields. */
export type Samples = ReadonlyMap<string, unknown>;

/**
 * The samples of a provider: its own, or those of the provider whose scheme it has.
 *
 * @returns empty where there are none
 */
export function samplesOf(provider: string, scheme: Scheme): Samples {
  const names = sampleNames();
  const name = names.find((one) => one === provider) ?? names.find((one) => builtInScheme(one) === scheme);
  if (name === undefined) return new Map();
  const events = JSON.parse(readFileSync(new URL(`${name}.json`, FOLDER), "utf8")) as Record<string, unknown>;
  return new Map(Object.entries(events));
}

/** Providers that have samples of their own, sorted. */
export function sampleNames(): readonly string[] {
  return readdirSync(FOLDER)
    .map((file) => file.replace(/\.json$/, ""))
    .sort();
}
