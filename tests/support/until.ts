import { unreachable } from "uvu/assert";

const POLL_MS = 5;

/**
 * Waits in real time until the check holds: for what other processes and sockets do. What a clock decides is tested
 * with `ManualClock`.
 *
 * @param what names in the failure what did not come about, such as `"the run to succeed"`; a function says it as it
 * stands by then
 */
export async function until(
  check: () => Promise<boolean> | boolean,
  what: string | (() => string),
  timeoutMs = 10_000,
): Promise<void> {
  const endAt = performance.now() + timeoutMs;
  while (!(await check())) {
    if (performance.now() >= endAt)
      unreachable(`Waited ${timeoutMs} ms in vain for ${typeof what === "string" ? what : what()}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
