import type { RetryPolicy } from "../workflow.ts";

/**
 * Delay before the next attempt: full jitter over an exponential bound.
 *
 * @param attempt attempts already made, 1 or more
 * @param random a number in [0, 1), injected so that tests and replayed seeds agree
 * @returns milliseconds, 0 to `policy.maxDelayMs`
 * @throws {RangeError} attempt below 1
 * @see https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/ "full jitter"
 */
export function retryDelay(attempt: number, policy: RetryPolicy, random: () => number): number {
  if (attempt < 1) throw new RangeError(`Cannot delay attempt ${attempt}: count from 1`);
  const bound = Math.min(policy.maxDelayMs, policy.minDelayMs * 2 ** (attempt - 1));
  return Math.floor(random() * (bound + 1));
}
