/** What the shop of the example sells, in cents. */
const CENTS: ReadonlyMap<string, number> = new Map([
  ["pen", 120],
  ["ink", 450],
  ["paper", 690],
]);

/** The price of one line of an order. */
export function price({ line }: { line: { sku: string; count: number } }): number {
  const cents = CENTS.get(line.sku);
  if (cents === undefined) throw new Error(`Cannot price ${JSON.stringify(line.sku)}: it is not sold here`);
  return cents * line.count;
}

/** The sum of the lines. */
export function sum({ cents }: { cents: readonly number[] }): number {
  return cents.reduce((total, each) => total + each, 0);
}
