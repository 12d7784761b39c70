/** A status such as `201`, or a class such as `2xx`. */
export type StatusPattern = number | string;

/** What `expect` says where it says nothing. */
export const EXPECTED_BY_DEFAULT: readonly StatusPattern[] = ["2xx"];

/** True where the status is one of those. */
export function isExpected(status: number, patterns: readonly StatusPattern[]): boolean {
  return patterns.some((pattern) =>
    typeof pattern === "number" ? pattern === status : pattern === `${Math.floor(status / 100)}xx`,
  );
}

/**
 * True for an unexpected status that a later attempt may not get: the server is busy, limits the rate, waits for
 * another request or has failed. Any other says that this request is wrong, or that it was done and answered otherwise
 * than expected; it would be the same again.
 */
export function isPassing(status: number): boolean {
  return Math.floor(status / 100) === 5 || PASSING.has(status);
}

/** Request Timeout, Conflict, Locked, Too Early, Too Many Requests. */
const PASSING: ReadonlySet<number> = new Set([408, 409, 423, 425, 429]);
