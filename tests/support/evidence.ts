import { builtInScheme, builtInSchemeNames } from "../../lib/schemes/mod.ts";
import { PUBLISHED } from "../fixtures/published.ts";
import { VENDORS } from "../vendors/vendors.ts";

/** What shows that a provider is verified rightly, and was not made here. */
export interface Evidence {
  readonly provider: string;
  /** Signatures that the provider has published. */
  readonly isPublished: boolean;
  /** Its own library signs, and ours verifies. */
  readonly theirsToOurs: string | null;
  /** Ours signs, and its own library verifies. */
  readonly oursToTheirs: string | null;
}

/** One for each name; a name that shares another's record shares its evidence. */
export function evidence(): readonly Evidence[] {
  return builtInSchemeNames().map((provider) => {
    const isSame = (other: string): boolean => builtInScheme(other) === builtInScheme(provider);
    const vendors = VENDORS.filter((vendor) => isSame(vendor.provider));
    const own = vendors.find((vendor) => vendor.provider === provider) ?? vendors[0];
    return {
      provider,
      isPublished: PUBLISHED.some((vector) => isSame(vector.provider)),
      theirsToOurs: vendors.find(({ signs }) => signs !== undefined)?.library ?? null,
      oursToTheirs: own?.library ?? null,
    };
  });
}

/** In a few words, for the table of providers. */
export function evidenceText({ isPublished, theirsToOurs, oursToTheirs }: Evidence): string {
  const library = oursToTheirs ?? theirsToOurs;
  const parts = [...(isPublished ? ["published"] : []), ...(library === null ? [] : [`\`${library}\``])];
  return parts.length === 0 ? "our reading alone" : parts.join(", ");
}

/** As the suites print it. */
export function evidenceTable(): string {
  const rows = evidence().map(({ provider, isPublished, theirsToOurs, oursToTheirs }) => [
    provider,
    isPublished ? "yes" : "-",
    theirsToOurs ?? "-",
    oursToTheirs ?? "-",
    isPublished || oursToTheirs !== null ? "" : "our reading alone",
  ]);
  const all = [["provider", "published", "theirs -> ours", "ours -> theirs", ""], ...rows];
  const widths = [0, 1, 2, 3].map((at) => Math.max(...all.map((row) => row[at]?.length ?? 0)) + 2);
  return all
    .map((row) =>
      row
        .map((cell, at) => cell.padEnd(widths[at] ?? 0))
        .join("")
        .trimEnd(),
    )
    .join("\n");
}
