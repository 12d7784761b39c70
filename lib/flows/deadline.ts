import { type Clock, setLongTimer } from "../clock.ts";

/**
 * Runs something that has to end in time. What does not heed its signal, as DNS does not, is left to itself.
 *
 * @param ms milliseconds of monotonic time
 * @param signal ends it, too
 * @param late what it fails with when the time is over
 * @throws the signal's own reason where it aborted
 */
export async function withDeadline<T>(
  { clock, ms, signal, late }: { clock: Clock; ms: number; signal: AbortSignal; late: () => Error },
  run: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  const stop = new AbortController();
  const timer = setLongTimer(clock, () => stop.abort(late()), ms);
  const onAbort = (): void => stop.abort(signal.reason);
  signal.addEventListener("abort", onAbort);
  const stopped = new Promise<never>((_, reject) => {
    stop.signal.addEventListener("abort", () => reject(stop.signal.reason));
  });
  try {
    return await Promise.race([run(stop.signal), stopped]);
  } catch (error) {
    // What is still under way has nobody who waits for it.
    stop.abort(error);
    throw error;
  } finally {
    timer.clear();
    signal.removeEventListener("abort", onAbort);
  }
}
