/**
 * What a module exports by default. One that was turned into CommonJS has it one level down.
 *
 * @param isWanted knows it
 * @returns the default export, or null where it is another; `isThere` says whether there is any
 */
export function defaultExport<T>(
  module: object,
  isWanted: (exported: unknown) => exported is T,
): { found: T | null; isThere: boolean } {
  const exported: unknown = Reflect.get(module, "default");
  const inner: unknown =
    typeof exported === "object" && exported !== null ? Reflect.get(exported, "default") : null;
  const found = [exported, inner].find(isWanted) ?? null;
  return { found, isThere: exported !== undefined };
}
