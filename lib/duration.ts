/** A span of time: a number of milliseconds, or text such as `"250ms"`, `"8s"`, `"5m"`, `"12h"`, `"30d"`. */
export type Duration = number | `${number}${"ms" | "s" | "m" | "h" | "d"}`;

const UNIT_MS: ReadonlyMap<string, number> = new Map([
  ["ms", 1],
  ["s", 1_000],
  ["m", 60_000],
  ["h", 3_600_000],
  ["d", 86_400_000],
]);

/** Ten years: far above any sensible wait, far below where a date stops being exact. */
const DURATION_MAX_MS = 3_650 * 86_400_000;

/**
 * Milliseconds of a duration.
 *
 * @param duration milliseconds, or digits with an optional fraction and a unit (`ms s m h d`)
 * @param what names the setting in the error, such as `"timeout"`
 * @returns whole milliseconds, 0 to ten years
 * @throws {TypeError} no duration, negative, or longer than ten years
 */
export function parseDuration(duration: Duration, what = "duration"): number {
  const ms = typeof duration === "number" ? duration : textMs(duration);
  if (!Number.isFinite(ms) || ms < 0 || ms > DURATION_MAX_MS) {
    throw new TypeError(
      `Cannot use ${JSON.stringify(duration)} as ${what}: give milliseconds or text such as "250ms", "8s", "5m", "12h", "30d", at most "3650d"`,
    );
  }
  return Math.round(ms);
}

function textMs(text: unknown): number {
  if (typeof text !== "string") return Number.NaN;
  const match = /^(\d{1,15}(?:\.\d{1,6})?)(ms|s|m|h|d)$/.exec(text);
  return match === null ? Number.NaN : Number(match[1]) * (UNIT_MS.get(match[2] ?? "") ?? Number.NaN);
}
