import type { Timestamp } from "../scheme.ts";

/** How far a signed time may be off where the scheme does not say, in milliseconds: what most providers' own libraries take. */
export const TOLERANCE_MS = 300_000;

/**
 * The instant that a timestamp's text names.
 *
 * The length is fixed, because a text of any length next to the body could take a digit from it, and the same bytes
 * would then be signed for another delivery.
 *
 * @param text Unix seconds of 10 digits, milliseconds of 13, or RFC 3339 in its one form with seconds and an offset
 * @returns epoch milliseconds; null for any other text
 */
export function parseTimestamp(text: string, unit: Timestamp["unit"]): number | null {
  if (unit === "s") return /^[1-9]\d{9}$/.test(text) ? Number(text) * 1_000 : null;
  if (unit === "ms") return /^[1-9]\d{12}$/.test(text) ? Number(text) : null;
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/.test(text)) return null;
  const instant = Date.parse(text);
  return Number.isNaN(instant) ? null : instant;
}

/** The text of an instant, as the unit's provider writes it. */
export function formatTimestamp(instant: number, unit: Timestamp["unit"]): string {
  if (unit === "s") return String(Math.floor(instant / 1_000));
  if (unit === "ms") return String(Math.floor(instant));
  return new Date(instant).toISOString().replace(/\.\d+Z$/, "+00:00");
}
