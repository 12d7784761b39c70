/** The longest that a server may put an attempt off: a day. What it says beyond is taken for this. */
export const RETRY_AFTER_MAX_MS = 86_400_000;

/**
 * When to call again by a `Retry-After` header: whole seconds or an HTTP date in any of its three forms.
 *
 * @returns milliseconds from now, above 0 and at most `RETRY_AFTER_MAX_MS`; null for what is neither or not ahead
 * @see RFC 9110, sections 10.2.3 and 5.6.7
 */
export function retryAfterMs(text: string | undefined, now: number): number | null {
  const value = text?.trim() ?? "";
  const ms = /^\d{1,15}$/.test(value) ? Number(value) * 1_000 : readHttpDate(value) - now;
  return ms > 0 ? Math.min(ms, RETRY_AFTER_MAX_MS) : null;
}

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** Epoch milliseconds; NaN for no date, which no comparison holds for. */
function readHttpDate(text: string): number {
  const fixed =
    /^[A-Z][a-z]{2}, (?<day>\d\d) (?<month>[A-Z][a-z]{2}) (?<year>\d{4}) (?<time>\d\d:\d\d:\d\d) GMT$/;
  const rfc850 =
    /^[A-Z][a-z]{5,8}, (?<day>\d\d)-(?<month>[A-Z][a-z]{2})-(?<year>\d\d) (?<time>\d\d:\d\d:\d\d) GMT$/;
  const asctime =
    /^[A-Z][a-z]{2} (?<month>[A-Z][a-z]{2}) (?<day>[ \d]\d) (?<time>\d\d:\d\d:\d\d) (?<year>\d{4})$/;
  const parts = (fixed.exec(text) ?? rfc850.exec(text) ?? asctime.exec(text))?.groups;
  const month = MONTHS.indexOf(parts?.month ?? "");
  if (parts === undefined || month < 0) return Number.NaN;
  // Two digits of a year are of this century: who asks to be called again does not mean the last one.
  const year = (parts.year ?? "").padStart(4, "20");
  const day = (parts.day ?? "").replace(" ", "0");
  return Date.parse(`${year}-${String(month + 1).padStart(2, "0")}-${day}T${parts.time}Z`);
}
