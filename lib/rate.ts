/** So many in a time: `"50/s"`, `"600/m"`, `"1000/h"`. */
export type RateText = `${number}/${"s" | "m" | "h"}`;

/** `count` in each `perMs` milliseconds. */
export interface Rate {
  readonly count: number;
  readonly perMs: number;
}

const UNIT_MS: ReadonlyMap<string, number> = new Map([
  ["s", 1_000],
  ["m", 60_000],
  ["h", 3_600_000],
]);

/**
 * A rate from its text.
 *
 * @param text a whole number from 1 to 1,000,000, `/`, and a unit (`s m h`)
 * @returns null for any other text
 */
export function parseRate(text: unknown): Rate | null {
  const match = /^([1-9]\d{0,5}|1000000)\/([smh])$/.exec(typeof text === "string" ? text : "");
  const perMs = UNIT_MS.get(match?.[2] ?? "");
  return perMs === undefined ? null : { count: Number(match?.[1]), perMs };
}
