import { type Clock, setLongTimer } from "../../clock.ts";
import { CallFailure } from "./call-failure.ts";

/**
 * Runs something that has to end in time, also where it does not look at its signal, as DNS.
 *
 * @param ms milliseconds of monotonic time
 * @param signal ends it, too
 * @throws {CallFailure} the time is over; the signal's own reason where it aborted
 */
export async function withDeadline<T>(
  { clock, ms, signal }: { clock: Clock; ms: number; signal: AbortSignal },
  run: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  const stop = new AbortController();
  const timer = setLongTimer(clock, () => stop.abort(new CallFailure(`took over ${ms / 1_000} s`)), ms);
  const onAbort = (): void => stop.abort(signal.reason);
  signal.addEventListener("abort", onAbort);
  const stopped = new Promise<never>((_, reject) => {
    stop.signal.addEventListener("abort", () => reject(stop.signal.reason));
  });
  try {
    return await Promise.race([run(stop.signal), stopped]);
  } finally {
    timer.clear();
    signal.removeEventListener("abort", onAbort);
    // What is still under way after a failure has nobody who waits for it.
    stop.abort();
  }
}
