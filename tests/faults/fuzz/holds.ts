import fc from "fast-check";

/**
 * Fails unless the property holds for so many inputs. A failure prints the seed and the path to the smallest input that
 * it found: `FC_SEED=... FC_PATH=... npm run test:faults -- fuzz/NAME` runs it again, and `FC_RUNS` tries more inputs.
 */
export async function holds<T>(property: fc.IRawProperty<T>, runs: number): Promise<void> {
  const { FC_SEED: seed, FC_PATH: path, FC_RUNS: more } = process.env;
  await fc.assert(property, {
    includeErrorInReport: true, // uvu prints the message alone
    numRuns: more === undefined ? runs : Number(more),
    ...(seed === undefined ? {} : { seed: Number(seed) }),
    ...(path === undefined ? {} : { path }),
  });
}

/** Any text, half surrogates and control characters among it. */
export const anyText: fc.Arbitrary<string> = fc.string({ unit: "binary", maxLength: 300 });

/** A text with a few characters put in, taken out or replaced: what is nearly right finds more than what is not. */
export function bent(text: fc.Arbitrary<string>, characters: fc.Arbitrary<string>): fc.Arbitrary<string> {
  const change = fc.record({
    at: fc.nat(),
    taken: fc.integer({ min: 0, max: 3 }),
    put: fc.oneof(characters, fc.constant("")),
  });
  return fc.tuple(text, fc.array(change, { maxLength: 3 })).map(([given, changes]) =>
    changes.reduce((now, { at, taken, put }) => {
      const start = at % (now.length + 1);
      return now.slice(0, start) + put + now.slice(start + taken);
    }, given),
  );
}

/** What a function gives, or what it throws, as a value. */
export function outcomeOf<T>(call: () => T): { value: T; error?: never } | { error: Error; value?: never } {
  try {
    return { value: call() };
  } catch (error) {
    if (error instanceof Error) return { error };
    throw new Error(`Something that is no error was thrown: ${String(error)}`);
  }
}
