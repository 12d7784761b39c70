import type { Figure } from "./figures.ts";
import { spreadOf } from "./statistics.ts";

const [WIDTH, LEFT, RIGHT, BAR, GAP, TOP] = [760, 190, 150, 16, 8, 46];

/**
 * The first section that has ratios as bars, with a line from the least to the greatest round. Colours are those of the
 * page's own scheme, light or dark.
 */
export function plotSvg(title: string, figures: readonly Figure[]): string {
  const bars = figures
    .filter(({ ratios }) => ratios.length > 0)
    .map(({ name, ratios }) => ({ name, ...spreadOf(ratios) }));
  const most = Math.max(1, ...bars.map(({ max }) => max));
  const scale = (ratio: number): number => LEFT + (ratio / most) * (WIDTH - LEFT - RIGHT);
  const height = TOP + bars.length * (BAR + GAP) + 16;
  const rows = bars.map(({ name, median, min, max }, index) => {
    const y = TOP + index * (BAR + GAP);
    const middle = y + BAR / 2;
    const kind = name.startsWith("bare") ? "bare" : name.startsWith("latchhook") ? "ours" : "peer";
    return [
      `  <text x="${LEFT - 8}" y="${middle}" text-anchor="end">${escapeXml(name)}</text>`,
      `  <rect class="${kind}" x="${LEFT}" y="${y}" width="${px(scale(median) - LEFT)}" height="${BAR}" rx="2"/>`,
      `  <path class="spread" d="M${px(scale(min))} ${middle}H${px(scale(max))}"/>`,
      `  <text x="${px(scale(max) + 8)}" y="${middle}">${median.toFixed(3)}</text>`,
    ].join("\n");
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-labelledby="title">
  <title id="title">${escapeXml(title)}</title>
  <style>
    text { font: 13px system-ui, sans-serif; fill: #24292f; dominant-baseline: central; }
    .head { font-weight: 600; font-size: 15px; }
    .bare { fill: #8c959f; } .ours { fill: #0969da; } .peer { fill: #9a6700; }
    .spread { stroke: #24292f; stroke-width: 2; }
    @media (prefers-color-scheme: dark) {
      text { fill: #e6edf3; }
      .bare { fill: #6e7681; } .ours { fill: #4493f8; } .peer { fill: #d29922; }
      .spread { stroke: #e6edf3; }
    }
  </style>
  <text class="head" x="8" y="20">${escapeXml(title)}</text>
${rows.join("\n")}
</svg>
`;
}

function px(value: number): string {
  return value.toFixed(1);
}

function escapeXml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}
