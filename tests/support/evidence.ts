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
  /** The library is not the provider's own, because that has none. */
  readonly isByOthers: boolean;
}

/** One for each name; a name that shares another's record shares its evidence. */
export function evidence(): readonly Evidence[] {
  return builtInSchemeNames().map((provider) => {
    const isSame = (other: string): boolean => builtInScheme(other) === builtInScheme(provider);
    const vendors = VENDORS.filter((vendor) => isSame(vendor.provider));
    const own = vendors.find((vendor) => vendor.provider === provider) ?? vendors[0];
    const signing = own?.signs === undefined ? vendors.find(({ signs }) => signs !== undefined) : own;
    return {
      provider,
      isPublished: PUBLISHED.some((vector) => isSame(vector.provider)),
      theirsToOurs: signing?.library ?? null,
      oursToTheirs: own?.library ?? null,
      isByOthers: own?.isByOthers === true,
    };
  });
}

/** In a few words, for the table of providers. */
export function evidenceText(one: Evidence): string {
  const parts = one.isPublished ? ["published"] : [];
  if (one.oursToTheirs !== null) parts.push(`\`${one.oursToTheirs}\``);
  return [...parts, ...(remark(one) === "" ? [] : [remark(one)])].join(", ");
}

/** What the reader has to know of the evidence; empty where it is the provider's own. */
function remark({ provider, isPublished, oursToTheirs, isByOthers }: Evidence): string {
  if (provider === "generic") return "our own";
  if (isByOthers) return "by others";
  return isPublished || oursToTheirs !== null ? "" : "our reading alone";
}

/** As the suites print it. */
export function evidenceTable(): string {
  const rows = evidence().map((one) => [
    one.provider,
    one.isPublished ? "yes" : "-",
    one.theirsToOurs ?? "-",
    one.oursToTheirs ?? "-",
    remark(one),
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
