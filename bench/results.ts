import type { Figure } from "./figures.ts";
import { cellsOf, sectionsOf } from "./table.ts";

/** What RESULTS.md says besides the figures. */
export interface Facts {
  date: string;
  command: string;
  rounds: number;
  seconds: number;
  generator: string;
  machine: readonly string[];
  versions: readonly string[];
  contestants: readonly { name: string; does: string; missing: string | null }[];
  failures: readonly string[];
  notes: readonly string[];
}

/** The results as a page: ratios first, this machine's own numbers beside them. */
export function resultsMarkdown(figures: readonly Figure[], facts: Facts): string {
  const sections = [...sectionsOf(figures)].map(([title, lines]) =>
    [
      `### ${title}`,
      "",
      `| | ratio to ${lines[0]?.base ?? ""} | this machine's own number |`,
      "|---|---|---|",
      ...lines.map((figure) => `| ${cellsOf(figure).join(" | ")} |`),
    ].join("\n"),
  );
  const skipped = facts.contestants.filter(({ missing }) => missing !== null);
  return `${[
    "# Results",
    `Measured on ${facts.date} by \`${facts.command}\`: ${facts.rounds} ${facts.rounds === 1 ? "round" : "rounds"} of ${facts.seconds} s, servers in turn within each round, each started fresh and warmed up for 1 s. A ratio compares two servers of the same round; shown is the median, and in brackets the least and the greatest round. Only ratios mean something on another machine.`,
    "![Answers a second as a ratio to a bare server](results.svg)",
    ["## Servers", "", ...facts.contestants.map(({ name, does }) => `- \`${name}\`: ${does}`)].join("\n"),
    ...(skipped.length > 0
      ? [["Skipped:", "", ...skipped.map(({ name, missing }) => `- \`${name}\`: ${missing}`)].join("\n")]
      : []),
    ...(facts.failures.length > 0
      ? [["Failed:", "", ...facts.failures.map((line) => `- ${line}`)].join("\n")]
      : []),
    ["## How", "", ...facts.notes.map((line) => `- ${line}`)].join("\n"),
    ["## Where", "", ...[...facts.machine, ...facts.versions].map((line) => `- ${line}`)].join("\n"),
    "## Figures",
    ...sections,
  ].join("\n\n")}\n`;
}
