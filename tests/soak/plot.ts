/** One thing that was measured over time. */
export interface Panel {
  title: string;
  unit: string;
  /** By name; each as long as the times. */
  lines: Readonly<Record<string, readonly number[]>>;
}

const [WIDTH, LEFT, RIGHT, PANEL, GAP, TOP] = [760, 60, 20, 110, 42, 40];
const COLOURS = ["first", "second"];

/**
 * Lines over time, one panel below the other, each from zero on. Colours are those of the page's own scheme.
 *
 * @param minutes when each reading was taken, from the start
 */
export function plotSvg(title: string, minutes: readonly number[], panels: readonly Panel[]): string {
  const end = minutes.at(-1) ?? 1;
  const x = (minute: number): number => LEFT + (minute / end) * (WIDTH - LEFT - RIGHT);
  const height = TOP + panels.length * (PANEL + GAP);
  const drawn = panels.map((panel, index) => drawPanel(panel, TOP + index * (PANEL + GAP), minutes, x));
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-labelledby="title">
  <title id="title">${title}</title>
  <style>
    text { font: 12px system-ui, sans-serif; fill: #24292f; }
    .head { font-weight: 600; font-size: 15px; } .end { text-anchor: end; }
    .axis { stroke: #8c959f; fill: none; } polyline { fill: none; stroke-width: 1.5; }
    .first { stroke: #0969da; } .second { stroke: #9a6700; }
    @media (prefers-color-scheme: dark) {
      text { fill: #e6edf3; } .axis { stroke: #6e7681; } .first { stroke: #4493f8; } .second { stroke: #d29922; }
    }
  </style>
  <text class="head" x="8" y="22">${title}</text>
${drawn.join("\n")}
</svg>
`;
}

function drawPanel(
  { title, unit, lines }: Panel,
  top: number,
  minutes: readonly number[],
  x: (minute: number) => number,
): string {
  const most = Math.max(1, ...Object.values(lines).flat());
  const bottom = top + PANEL;
  const y = (value: number): string => (bottom - (value / most) * (PANEL - 20)).toFixed(1);
  const names = Object.keys(lines);
  const drawn = names.map((name, at) => {
    const points = (lines[name] ?? []).map(
      (value, index) => `${x(minutes[index] ?? 0).toFixed(1)},${y(value)}`,
    );
    return `  <polyline class="${COLOURS[at]}" points="${points.join(" ")}"/>`;
  });
  const legend = names.length === 1 ? title : `${title}: ${names.join(" (blue), ")} (brown)`;
  return [
    `  <text x="${LEFT}" y="${top + 10}">${legend}, ${unit}</text>`,
    `  <path class="axis" d="M${LEFT} ${top + 20}V${bottom}H${x(minutes.at(-1) ?? 0).toFixed(1)}"/>`,
    `  <text class="end" x="${LEFT - 6}" y="${top + 24}">${most >= 10 ? Math.round(most) : most.toFixed(1)}</text>`,
    `  <text class="end" x="${LEFT - 6}" y="${bottom}">0</text>`,
    `  <text class="end" x="${WIDTH - RIGHT}" y="${bottom + 16}">${Math.round(minutes.at(-1) ?? 0)} min</text>`,
    ...drawn,
  ].join("\n");
}
