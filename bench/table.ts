import type { Figure } from "./figures.ts";
import { spreadOf } from "./statistics.ts";

/** The cells of one line: name, ratio with its spread, this machine's own number with its spread. */
export function cellsOf({ name, ratios, values, unit }: Figure): [string, string, string] {
  return [name, ratios.length === 0 ? "-" : shown(ratios, ""), shown(values, ` ${unit}`)];
}

/** Figures by section, in order. */
export function sectionsOf(figures: readonly Figure[]): Map<string, Figure[]> {
  const sections = new Map<string, Figure[]>();
  for (const figure of figures) {
    const section = sections.get(figure.section) ?? [];
    sections.set(figure.section, section);
    section.push(figure);
  }
  return sections;
}

/** All figures as text for a terminal, ratios first. */
export function tableText(figures: readonly Figure[]): string {
  const rows = figures.map(cellsOf);
  const widths = [0, 1].map((column) => Math.max(8, ...rows.map((row) => row[column]?.length ?? 0)));
  const lines: string[] = [];
  for (const [title, section] of sectionsOf(figures)) {
    lines.push("", `${title} (ratio to ${section[0]?.base ?? ""})`);
    for (const [name, ratio, value] of section.map(cellsOf)) {
      lines.push(`  ${name.padEnd(widths[0] ?? 0)}  ${ratio.padEnd(widths[1] ?? 0)}  ${value}`);
    }
  }
  return lines.join("\n");
}

/** Three digits that count; the spread only where there is more than one round. */
function shown(values: readonly number[], unit: string): string {
  const { median, min, max } = spreadOf(values);
  const spread = values.length > 1 ? ` (${rounded(min)}..${rounded(max)})` : "";
  return `${rounded(median)}${unit}${spread}`;
}

function rounded(value: number): string {
  if (value === 0) return "0";
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
  return value.toFixed(Math.min(digits, 4));
}
