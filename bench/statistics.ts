/** What some rounds gave. */
export interface Spread {
  median: number;
  min: number;
  max: number;
}

/** @throws {RangeError} no values */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const [min] = sorted;
  const max = sorted.at(-1);
  const upper = sorted[Math.floor(sorted.length / 2)];
  const lower = sorted[Math.floor((sorted.length - 1) / 2)];
  if (min === undefined || max === undefined || upper === undefined || lower === undefined)
    throw new RangeError("Cannot take the median of no values");
  return { median: (lower + upper) / 2, min, max };
}
